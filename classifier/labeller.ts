import type { Logger } from 'pino';
import type { Batch, EventLog, History, Output, StoredRecord, Transformed } from '../core/log/port.ts';
import type { Reporter } from '../core/stage/reporter.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import { Drift } from './drift.ts';
import { decodeBatch, type LabelledBatch, labelBatch } from './labelling.ts';
import type { Metrics } from './metrics.ts';
import { absorb } from './model-change/model-slot.ts';
import { createPartitionModels } from './partitions.ts';
import type { BoundedPrediction } from './shadow/bounded-prediction.ts';
import { createShadow } from './shadow/shadow.ts';
import { countSteps } from './steps/step-state.ts';
import type { StreamModel } from './stream-model.ts';
import type { Tally } from './totals.ts';

export interface LabellerOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly group: string;
  readonly champion: StreamModel;
  /** How a challenger predicts. */
  readonly predictInShadow: BoundedPrediction;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly driftThreshold: number;
  readonly now: () => number;
  readonly reporter: Reporter;
}

/** What a pipe calls, for all partitions of this member; and the models at work. */
export interface Labeller {
  readonly champion: StreamModel;
  readonly challenger: StreamModel | undefined;
  readonly drift: Drift | undefined;
  assigned(partition: number, history: History): Promise<void>;
  revoked(partition: number): void;
  save(partition: number): Uint8Array | undefined;
  /** Samples that wait in steps, over all partitions of this member. */
  held(): number;
  transform(batch: Batch): Promise<Transformed>;
  /** A record became a dead letter: its readings are in the state all the same, so that steps complete the same rows no second time. */
  passed(record: StoredRecord): void;
  /**
   * Another version is to label: in each partition from the next batch on after its state is restored. The present one is closed then.
   */
  promote(champion: StreamModel): void;
  /** A version is to label in the shadow, or none. */
  setChallenger(challenger: StreamModel | undefined): void;
  close(): Promise<void>;
}

/** Turns batches of readings into predictions, shadow predictions and dead letters, each partition with sessions of its own. */
export function createLabeller(options: LabellerOptions): Labeller {
  const { stream, tally, metrics, now, reporter, predictInShadow } = options;
  const models = createPartitionModels(options);
  const { champions, challengers } = models;
  const shadow = createShadow({ ...options, predict: predictInShadow });
  const labelling = { metrics, now, topic: stream.topics.predictions };
  const driftOf = ({ model }: StreamModel) =>
    model.histograms && new Drift(model.fields, model.histograms, options.driftThreshold);
  let drift = driftOf(options.champion);

  async function transform(batch: Batch): Promise<Transformed> {
    const partition = models.get(batch.partition);
    const champion = partition?.champion.take();
    if (!partition || !champion) throw new GaplineError('internal', `Partition ${batch.partition} was never assigned`);
    const { readings } = partition;
    const challenger = partition.challenger.take();
    const outputs: Output[] = [];
    const { deadLetters, skippedBy, lastError } = decodeBatch(batch, readings, reporter, outputs);
    const labelled = readings.count === 0 ? undefined : await labelBatch(champion, readings, outputs, labelling);
    const finishing = partition.champion.finishing;
    const finished =
      finishing && readings.count > 0 ? await labelBatch(finishing, readings, outputs, labelling) : undefined;
    const shadowed =
      labelled && challenger && (await shadow.label(challenger, labelled.startedAtMs, readings, outputs));

    return {
      outputs,
      committed() {
        labelled?.output.committed?.();
        labelled?.prepared.committed();
        finished?.output.committed?.();
        finished?.prepared.committed();
        if (challenger && shadowed) shadow.remember(challenger, shadowed);
        const rows = readings.rows();
        const lastOffset = batch.records.at(-1)?.offset;
        partition.champion.committed(rows, lastOffset);
        partition.challenger.committed(rows, lastOffset);
        const outcome = {
          ...{ readings, origins: labelled?.prepared.origins ?? readings, labels: labelled?.labels ?? [] },
          ...{ deadLetters, skippedBy, steps: labelled && stepsOf(labelled) },
        };
        tally.add(outcome, now());
        if (finished) tally.addLabels(finished.prepared.origins, finished.labels, now());
        metrics.committed(outcome);
        if (labelled && challenger && challenger.streamModel === challengers.wanted)
          shadow.compare(challenger, labelled, shadowed);
        if (labelled && champion.streamModel === champions.wanted) drift?.add(labelled.prepared.rows);
        if (lastError !== undefined) reporter.noteError(lastError);
      },
    };
  }

  /** Whether the champion's steps took the readings of a record in, without labels: where there are steps, and they can. */
  function takeIn({ partition: number, offset, value }: StoredRecord): boolean {
    const partition = models.get(number);
    if (!partition) return false;
    const { readings, champion, challenger } = partition;
    readings.reset(1);
    readings.add(value);
    const sessions = [champion.current, champion.finishing, challenger.current];
    const [taken] = sessions.map((session) => (session && readings.count > 0 ? absorb(session, readings) : undefined));
    for (const slot of [champion, challenger]) slot.committed(readings.rows(), offset);
    if (!taken || taken.outcomes.length === 0) return false;
    const steps = countSteps(taken.outcomes);
    tally.addRefused(readings, steps);
    metrics.committed({ readings, labels: [], deadLetters: 1, skippedBy: new Map(), steps });
    return true;
  }

  function passed(record: StoredRecord): void {
    if (takeIn(record)) return;
    tally.addDeadLetters(1);
    metrics.deadLetter();
  }

  return {
    get champion() {
      return champions.wanted;
    },
    get challenger() {
      return challengers.wanted;
    },
    get drift() {
      return drift;
    },
    assigned: models.assign,
    revoked: models.revoke,
    save: models.save,
    held: models.held,
    transform,
    passed,
    promote(champion) {
      champions.swap(champion);
      drift = driftOf(champion);
    },
    setChallenger(challenger) {
      tally.newComparison();
      challengers.swap(challenger);
    },
    close: models.close,
  };
}

const stepsOf = ({ prepared: { outcomes } }: LabelledBatch) => (outcomes.length > 0 ? countSteps(outcomes) : undefined);
