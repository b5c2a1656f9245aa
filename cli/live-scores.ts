import type { EventLog } from '../core/log/port.ts';
import { scoreConfusion } from '../core/statistics/confusion.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { type Prediction, predictionSchema, unknownLabel } from '../core/wire/prediction.ts';
import type { Topics } from '../core/wire/stream.ts';
import { validate } from '../core/wire/validate.ts';

export interface LiveScoresInput {
  readonly log: Pick<EventLog, 'tail'>;
  readonly topics: Pick<Topics, 'predictions' | 'shadow'>;
  /** Records that arrived since then, in milliseconds since the epoch. */
  readonly sinceMs: number;
  /** The version that serves. */
  readonly champion: number;
  /** The one that labels in the shadow. */
  readonly challenger: number;
}

export interface LiveScores {
  /** Readings that both labelled and whose truth is known. */
  readonly readings: number;
  readonly champion: Scores;
  readonly challenger: Scores;
}

interface Scores {
  readonly accuracy: number;
  readonly f1: number;
}

/** Labels of the shadow that are held, the newest: some 150 MB. */
const mostHeld = 1_000_000;
/** Fewer say nothing. */
const fewest = 100;

/**
 * How right two versions were on the same readings of the line: what the predictions say of one, and the shadow of the other.
 * @throws {GaplineError} `model-refused` where both labelled fewer than 100 readings whose truth is known
 */
export async function liveScores(input: LiveScoresInput): Promise<LiveScores> {
  const { log, topics, sinceMs, champion, challenger } = input;
  const held = new Map<string, string>();
  for await (const { device, time, label } of scoredBy(challenger, log, topics.shadow, sinceMs)) {
    const key = `${time} ${device}`;
    // Of one reading that was labelled twice the later label counts.
    held.delete(key);
    held.set(key, label);
    const [oldest] = held.keys();
    if (held.size > mostHeld && oldest !== undefined) held.delete(oldest);
  }
  const [ofChampion, ofChallenger] = [new Tally(), new Tally()];
  for await (const { device, time, label, truth } of scoredBy(champion, log, topics.predictions, sinceMs)) {
    const key = `${time} ${device}`;
    const other = held.get(key);
    if (other === undefined) continue;
    held.delete(key);
    ofChampion.add(truth, label);
    ofChallenger.add(truth, other);
  }
  const { count } = ofChampion;
  if (count < fewest)
    throw new GaplineError(
      'model-refused',
      `versions ${champion} and ${challenger} both labelled ${count} readings whose truth is known since ${new Date(sinceMs).toISOString()}; ${fewest} are needed: let it label in the shadow first, \`gapline models challenge ${challenger}\``,
    );
  return { readings: count, champion: ofChampion.scores(), challenger: ofChallenger.scores() };
}

/** The predictions of one version whose truth is known. */
async function* scoredBy(
  version: number,
  log: Pick<EventLog, 'tail'>,
  topic: string,
  since: number,
): AsyncGenerator<Prediction & { readonly truth: string }> {
  for await (const records of log.tail([topic], { since, follow: false }))
    for (const { value } of records) {
      const prediction = predictionIn(value);
      if (prediction?.truth === undefined || prediction.model.version !== version) continue;
      yield { ...prediction, truth: prediction.truth };
    }
}

function predictionIn(value: Uint8Array): Prediction | undefined {
  try {
    return validate(predictionSchema, JSON.parse(Buffer.from(value).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Counts of labels by truth. A label of no class (declined) is wrong, and no class of its own. */
class Tally {
  count = 0;
  readonly #counts = new Map<string, Map<string, number>>();

  add(truth: string, label: string): void {
    this.count += 1;
    const row = this.#counts.get(truth) ?? new Map<string, number>();
    this.#counts.set(truth, row);
    row.set(label, (row.get(label) ?? 0) + 1);
  }

  scores(): Scores {
    const labels = Array.from(this.#counts.values(), (row) => [...row.keys()]).flat();
    const classes = [...new Set([...this.#counts.keys(), ...labels])];
    const matrix = classes.map((truth) => classes.map((label) => this.#counts.get(truth)?.get(label) ?? 0));
    const { accuracy = 0, macroF1 = 0 } = scoreConfusion(matrix, classes.indexOf(unknownLabel));
    return { accuracy, f1: macroF1 };
  }
}
