import type { Logger } from 'pino';
import type { Batch, EventLog, History, Output, Transformed } from '../core/log/port.ts';
import type { Reporter } from '../core/stage/reporter.ts';
import { describeError, GaplineError, isRetryable } from '../core/wire/errors.ts';
import { unknownLabel } from '../core/wire/prediction.ts';
import type { Stream } from '../core/wire/stream.ts';
import { ReadingBatch } from './decode.ts';
import { Drift } from './drift.ts';
import { createSuccession } from './hot-swap.ts';
import type { Metrics } from './metrics.ts';
import { openStation, Seat, type Station } from './model-slot.ts';
import { ask, type Serving } from './serving.ts';
import type { Shadow, ShadowAnswer } from './shadow.ts';
import type { Tally } from './totals.ts';
import { warmFromHistory } from './warm.ts';

export interface LabellerOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly group: string;
  readonly champion: Serving;
  readonly shadow: Shadow;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly driftThreshold: number;
  readonly now: () => number;
  readonly reporter: Reporter;
}

/** What a partition keeps between its batches. */
interface Partition {
  readonly readings: ReadingBatch;
  readonly champion: Seat;
  readonly challenger: Seat;
}

/** What a pipe calls, for all partitions of this member; and the models at work. */
export interface Labeller {
  readonly champion: Serving;
  readonly challenger: Serving | undefined;
  readonly drift: Drift | undefined;
  assigned(partition: number, history: History): Promise<void>;
  revoked(partition: number): void;
  transform(batch: Batch): Promise<Transformed>;
  /** Another version is to label: in each partition from the next batch on after it was shown the past. The present one is closed then. */
  crown(champion: Serving): void;
  /** A version is to label in the shadow, or none. */
  challenge(challenger: Serving | undefined): void;
  close(): Promise<void>;
}

/** Turns batches of readings into predictions, shadow predictions and dead letters, each partition with sessions of its own. */
export function createLabeller(options: LabellerOptions): Labeller {
  const { stream, tally, metrics, logger, now, reporter, shadow } = options;
  const note = reporter.noteError;
  const partitions = new Map<number, Partition>();
  const seatsOf = (role: 'champion' | 'challenger') =>
    new Map(Array.from(partitions, ([n, seats]) => [n, seats[role]]));
  const champions = createSuccession({ ...options, first: options.champion, seats: () => seatsOf('champion') });
  const challengers = createSuccession({ ...options, first: undefined, seats: () => seatsOf('challenger') });
  let drift = driftOf(options.champion);

  function driftOf({ model }: Serving): Drift | undefined {
    return model.histograms && new Drift(model.fields, model.histograms, options.driftThreshold);
  }

  async function assigned(number: number, history: History): Promise<void> {
    const open = async (serving: Serving): Promise<Station> => {
      const station = openStation(serving);
      const shown = await warmFromHistory(station, stream, history, now());
      if (shown > 0) logger.debug({ partition: number, shown }, 'remembered the past');
      return station;
    };
    let champion: Station | undefined;
    let challenger: Station | undefined;
    // Either may be succeeded while the past is read.
    while (champion?.serving !== champions.serving || challenger?.serving !== challengers.serving) {
      const [first, rival] = [champions.serving, challengers.serving];
      if (first && champion?.serving !== first) champion = await open(first);
      if (challenger?.serving !== rival)
        challenger = rival && (await open(rival).catch((error: unknown) => dismiss(rival, error)));
    }
    partitions.set(number, {
      readings: new ReadingBatch(stream),
      champion: new Seat(champion, { left: champions.left, failed: (error) => note(describeError(error)) }),
      challenger: new Seat(challenger, { left: challengers.left, failed: (error) => note(describeError(error)) }),
    });
  }

  /** A challenger that cannot even begin does not keep the champion from its work. */
  function dismiss(rival: Serving, error: unknown): undefined {
    // Not its own fault: the log is away.
    if (isRetryable(error)) throw error;
    note(`challenger ${rival.model.identity.name} version ${rival.model.identity.version}: ${describeError(error)}`);
    if (challengers.serving === rival) challengers.succeed(undefined);
  }

  async function transform(batch: Batch): Promise<Transformed> {
    const partition = partitions.get(batch.partition);
    const champion = partition?.champion.take();
    if (!partition || !champion) throw new GaplineError('internal', `Partition ${batch.partition} was never assigned`);
    const { readings } = partition;
    const challenger = partition.challenger.take();
    const outputs: Output[] = [];
    const { skippedBy, reasons } = decode(batch, readings, outputs);
    const deadLetters = outputs.length;
    const labelled = readings.count === 0 ? undefined : await label(champion, readings, outputs);
    const shadowed = labelled && challenger && (await labelShadow(challenger, labelled.startedAtMs, readings, outputs));

    return {
      outputs,
      committed() {
        labelled?.answer.committed?.();
        if (challenger) remember(challenger, readings, shadowed);
        const rows = readings.rows();
        const lastOffset = batch.records.at(-1)!.offset;
        partition.champion.committed(rows, lastOffset);
        partition.challenger.committed(rows, lastOffset);
        const labels = labelled?.labels ?? [];
        const outcome = { readings, labels, deadLetters, skippedBy };
        tally.add(outcome, now());
        metrics.committed(outcome);
        if (challenger && labelled) compare(challenger, labelled, shadowed, readings);
        if (labelled && drift && champion.serving === champions.serving) drift.add(labelled.rows);
        if (reasons.length > 0) note(reasons.at(-1)!);
      },
    };
  }

  /** Labels the readings in hand and adds their predictions to the outputs. */
  async function label(champion: Station, readings: ReadingBatch, outputs: Output[]) {
    const startedAtMs = now();
    const startedMs = performance.now();
    const { serving, session } = champion;
    const { rows, answer: said } = ask(serving, session, readings.rows());
    const answer = said instanceof Promise ? await said : said;
    metrics.predicted((performance.now() - startedMs) / 1_000);
    publish(serving, { readings, rows, answer, nowMs: now() }, stream.topics.predictions, outputs);
    return { rows, answer, startedAtMs, labels: namesOf(serving, answer.labels) };
  }

  async function labelShadow(station: Station, startedAtMs: number, readings: ReadingBatch, outputs: Output[]) {
    const said = await shadow(station, readings);
    if (!said) return undefined;
    const { rows, answer, tookMs } = said;
    // As if it had been asked in place of the champion.
    publish(station.serving, { readings, rows, answer, nowMs: startedAtMs + tookMs }, stream.topics.shadow, outputs);
    return said;
  }

  function publish(
    serving: Serving,
    labelled: Parameters<Serving['encode']>[0],
    topic: string,
    outputs: Output[],
  ): void {
    const { readings } = labelled;
    for (let row = 0; row < readings.count; row++)
      outputs.push({ topic, key: readings.devices[row]!, value: serving.encode(labelled, row) });
  }

  /** A challenger that gave no answer still remembers what it would have seen. */
  function remember(station: Station, readings: ReadingBatch, shadowed: ShadowAnswer | undefined): void {
    try {
      if (shadowed) shadowed.answer.committed?.();
      else if (station.serving.model.memoryMs > 0 && readings.count > 0)
        station.session.warm(station.serving.project(readings.rows()));
    } catch (error) {
      note(describeError(error));
    }
  }

  function compare(
    { serving }: Station,
    labelled: { readonly labels: readonly string[] },
    shadowed: ShadowAnswer | undefined,
    { truths }: ReadingBatch,
  ): void {
    if (serving !== challengers.serving) return;
    if (shadowed) tally.compare(labelled.labels, namesOf(serving, shadowed.answer.labels), truths);
    else tally.shadowSkipped(labelled.labels.length);
    metrics.shadowed(labelled.labels.length, shadowed !== undefined);
  }

  /** Fills `readings`; what cannot be read goes to `outputs` as dead letters. */
  function decode(batch: Batch, readings: ReadingBatch, outputs: Output[]) {
    const skippedBy = new Map<string, number>();
    const reasons: string[] = [];
    readings.reset(batch.records.length);
    for (const record of batch.records) {
      const refusal = readings.add(record.value);
      if (!refusal) continue;
      const { kind, reason } = refusal;
      if (kind === 'skip') skippedBy.set(reason, (skippedBy.get(reason) ?? 0) + 1);
      else {
        outputs.push(reporter.deadLetter(record, reason));
        reasons.push(`${record.topic}/${record.partition}/${record.offset}: ${reason}`);
      }
    }
    return { skippedBy, reasons };
  }

  return {
    get champion() {
      return champions.serving!;
    },
    get challenger() {
      return challengers.serving;
    },
    get drift() {
      return drift;
    },
    assigned,
    revoked(number) {
      partitions.delete(number);
      champions.left();
      challengers.left();
    },
    transform,
    crown(champion) {
      champions.succeed(champion);
      drift = driftOf(champion);
    },
    challenge(challenger) {
      tally.newComparison();
      challengers.succeed(challenger);
    },
    async close() {
      partitions.clear();
      await Promise.all([champions.close(), challengers.close()]);
    },
  };
}

const namesOf = ({ model }: Serving, labels: Int32Array): string[] =>
  Array.from(labels, (label) => model.classes[label] ?? unknownLabel);
