import { ReadingBatch } from '../../classifier/decode.ts';
import { PartitionSteps } from '../../classifier/steps/partition-steps.ts';
import { createStreamModel, predict, type StreamModel } from '../../classifier/stream-model.ts';
import type { StoredRecord } from '../../core/log/port.ts';
import type { Model } from '../../core/model/model.ts';
import type { StepOutcome } from '../../core/steps/chain.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { identityOf } from './identities.ts';

/** What became of the rows that came to a step: in = consumed + duplicates + skipped + held. */
export interface StepAccount {
  readonly use: string;
  in: number;
  consumed: number;
  duplicates: number;
  /** With those that were lost with the state of silent devices. */
  skipped: number;
}

/** What a classifier that nothing disturbs makes of a log. */
export interface Undisturbed {
  /** By identity of a window, what its prediction says. */
  readonly windows: ReadonlyMap<string, string>;
  /** By identity of a window, where it begins. */
  readonly starts: ReadonlyMap<string, string>;
  /** Samples that came to the steps: those of every record that can be read. */
  readonly samples: number;
  readonly steps: readonly StepAccount[];
  readonly skippedBy: Readonly<Record<string, number>>;
  readonly mixed: number;
  /** Rows that still wait in windows, filters and grids that are open, over all steps. */
  readonly held: number;
}

const batch = 1_000;

/** All of a prediction but when it was made. */
export function saidByWindow({ latencyMs: _, ...said }: Prediction): string {
  return JSON.stringify(said);
}

/** Device and where its window begins. */
export const startOf = ({ device, from = '' }: Prediction): string => `${device} ${from}`;

/**
 * Takes the records of a log through a model's steps and the model, in their order, in one process, with nothing in its way.
 * @param isDead whether a record became a dead letter: the steps took it in all the same, where it can be read, without its labels
 */
export async function undisturbed(
  stream: Stream,
  model: Model,
  records: readonly StoredRecord[],
  isDead: (record: StoredRecord) => boolean,
): Promise<Undisturbed> {
  const streamModel = createStreamModel(stream, model);
  if (!model.steps) throw new Error(`model ${model.identity.name} has no steps`);
  const steps = new PartitionSteps(model.steps, streamModel.columns);
  const readings = new ReadingBatch(stream);
  const account = new Account();
  const windows = new Map<string, string>();
  const starts = new Map<string, string>();
  for (const some of batchesOf(records, isDead)) {
    readings.reset(some.length);
    const dead = some.some(isDead);
    for (const { value } of some) {
      const refusal = readings.add(value);
      if (refusal && !dead) throw new Error(`a record that is no dead letter: ${refusal.reason}`);
    }
    if (readings.count === 0) continue;
    const prepared = steps.apply(readings);
    const labelled = dead ? [] : await label(streamModel, prepared);
    for (const prediction of labelled) {
      windows.set(identityOf(prediction), saidByWindow(prediction));
      starts.set(identityOf(prediction), startOf(prediction));
    }
    account.add(readings.count, prepared.outcomes);
    prepared.committed();
  }
  return { windows, starts, ...account.result(), held: steps.held() };
}

/** The records in their order; each that became a dead letter is alone. */
function* batchesOf(
  records: readonly StoredRecord[],
  isDead: (record: StoredRecord) => boolean,
): Generator<readonly StoredRecord[]> {
  let some: StoredRecord[] = [];
  for (const record of records) {
    if (!isDead(record)) some.push(record);
    if (some.length === batch || (isDead(record) && some.length > 0)) {
      yield some;
      some = [];
    }
    if (isDead(record)) yield [record];
  }
  if (some.length > 0) yield some;
}

async function label(streamModel: StreamModel, prepared: ReturnType<PartitionSteps['apply']>): Promise<Prediction[]> {
  const { rows, origins } = prepared;
  const output = await predict(streamModel, streamModel.model.open(), rows);
  const labelled = { origins, rows, output, nowMs: 0 };
  return origins.devices.map((_, row) => JSON.parse(Buffer.from(streamModel.encode(labelled, row)).toString()));
}

class Account {
  #samples = 0;
  #mixed = 0;
  readonly #steps: StepAccount[] = [];
  readonly #skippedBy: Record<string, number> = {};

  add(samples: number, outcomes: readonly StepOutcome[]): void {
    this.#samples += samples;
    let given = samples;
    for (const [index, { use, skips, counts, given: next }] of outcomes.entries()) {
      const step = this.#steps[index] ?? { use, in: 0, consumed: 0, duplicates: 0, skipped: 0 };
      this.#steps[index] = step;
      step.in += given;
      step.consumed += counts.consumed;
      step.duplicates += counts.duplicates;
      step.skipped += skips.reasons.length + counts.evicted;
      this.#mixed += counts.mixed;
      for (const reason of skips.reasons) this.#skippedBy[reason] = (this.#skippedBy[reason] ?? 0) + 1;
      given = next;
    }
  }

  result() {
    return { samples: this.#samples, steps: this.#steps, skippedBy: this.#skippedBy, mixed: this.#mixed };
  }
}
