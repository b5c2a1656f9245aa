import type { Batch, History, Output, StoredRecord, Transformed } from '../core/log/port.ts';
import { SpareArrays } from '../core/numeric/spare-arrays.ts';
import { GaplineError, isRetryable } from '../core/wire/errors.ts';
import { Drift } from './drift.ts';
import { decodeBatch, type LabelledBatch, labelBatch } from './labelling.ts';
import { absorb, forgottenBy, type ModelSession } from './model-change/model-slot.ts';
import { createPartitionModels, type Partition, type PartitionModelsOptions } from './partitions.ts';
import type { PreparedRows } from './prepared-rows.ts';
import type { BoundedPrediction } from './shadow/bounded-prediction.ts';
import { createShadow } from './shadow/shadow.ts';
import { countSteps } from './steps/step-counts.ts';
import type { StreamModel } from './stream-model.ts';
import type { Tally } from './totals.ts';

export interface LabellerOptions extends PartitionModelsOptions {
  /** How a challenger predicts. */
  readonly predictInShadow: BoundedPrediction;
  readonly tally: Tally;
  readonly driftThreshold: number;
}

/** What a pipe calls, for all partitions of this member; and the models at work. */
export interface Labeller {
  readonly champion: StreamModel;
  readonly challenger: StreamModel | undefined;
  readonly drift: Drift | undefined;
  assigned(partition: number, history: History): Promise<void>;
  revoked(partition: number): void;
  save(partition: number): Uint8Array | undefined;
  checkpointNow(partition: number): boolean;
  /** Samples that wait in steps, over all partitions of this member. */
  held(): number;
  /** Of these, those that wait for facts. */
  waiting(): { readonly rows: number; readonly bytes: number };
  /** The partitions in which the log has no record left; undefined where that is not known. */
  quiet(partitions: ReadonlySet<number> | undefined, nowMs: number): void;
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

/** Where rows are filled: one array, but where predictions are waited for. */
const spares = { arrays: 4, bytes: 64 << 20 };

/** Turns batches of readings into predictions, shadow predictions and dead letters, each partition with sessions of its own. */
export function createLabeller(options: LabellerOptions): Labeller {
  const { stream, tally, metrics, now, reporter, predictInShadow } = options;
  const models = createPartitionModels(options, {
    settled(samples) {
      tally.addEarlier(samples);
      metrics.unfinishedSamples(samples.unfinished);
    },
    pruned: (facts) => tally.addPrunedFacts(facts),
  });
  const { champions, challengers, earlier } = models;
  const shadow = createShadow({ ...options, predict: predictInShadow });
  const labelling = {
    spare: new SpareArrays<Float64Array>(Float64Array, spares),
    metrics,
    now,
    topic: stream.topics.predictions,
  };
  const driftOf = ({ model }: StreamModel) =>
    model.histograms && new Drift(model, model.histograms, options.driftThreshold);
  let drift = driftOf(options.champion);

  /** What earlier versions complete. One that is unavailable for too long is given up, so that it does not keep the present one waiting. */
  async function labelFinishing({ champion, readings }: Partition, outputs: Output[]): Promise<LabelledBatch[]> {
    const finished: LabelledBatch[] = [];
    for (const session of champion.finishing) {
      const before = outputs.length;
      try {
        finished.push(await labelBatch(session, readings, outputs, labelling));
        earlier.retries.restored(session);
      } catch (error) {
        const why = isRetryable(error) === true ? earlier.retries.exhausted(session, error) : undefined;
        if (why === undefined) throw error;
        outputs.length = before;
        champion.giveUp(session, `${why}; ${session.steps?.held() ?? 0} samples wait in it`);
      }
    }
    return finished;
  }

  async function transform(batch: Batch): Promise<Transformed> {
    const partition = models.get(batch.partition);
    const champion = partition?.champion.take();
    if (!partition || !champion) throw new GaplineError('internal', `Partition ${batch.partition} was never assigned`);
    const { readings } = partition;
    const challenger = partition.challenger.take();
    for (const session of sessionsOf(partition)) session.steps?.useFacts(partition.facts);
    const outputs: Output[] = [];
    const { deadLetters, skippedBy, lastError } = decodeBatch(batch, readings, reporter, outputs);
    const labelled = readings.isEmpty ? undefined : await labelBatch(champion, readings, outputs, labelling);
    const finished = readings.isEmpty ? [] : await labelFinishing(partition, outputs);
    const shadowed =
      labelled && challenger && (await shadow.label(challenger, labelled.startedAtMs, readings, outputs));

    return {
      outputs,
      commutes: readings.isEmpty || commutes(partition, challenger ? [labelled, shadowed] : [labelled]),
      committed() {
        labelled?.output.committed?.();
        labelled?.prepared.committed();
        for (const { output, prepared } of finished) {
          output.committed?.();
          prepared.committed();
        }
        if (challenger && shadowed) shadow.remember(challenger, shadowed);
        const changes = partition.facts.commit(readings.facts, forgottenBy(sessionsOf(partition)));
        const lastOffset = batch.records.at(-1)?.offset;
        partition.champion.committed(readings, lastOffset);
        partition.challenger.committed(readings, lastOffset);
        const outcome = {
          ...{ readings, origins: labelled?.prepared.origins ?? readings, labels: labelled?.labels ?? [] },
          ...{ deadLetters, skippedBy, steps: labelled && stepsOf(labelled.prepared) },
        };
        if (batch.topic === stream.topics.facts) tally.addFacts({ ...outcome, changes }, now());
        else tally.add(outcome, now());
        for (const { prepared, labels } of finished) tally.addLabels(prepared.origins, labels, now());
        metrics.committed(outcome);
        if (labelled && challenger && challenger.streamModel === challengers.wanted)
          shadow.compare(challenger, labelled, shadowed);
        if (labelled && champion.streamModel === champions.wanted) drift?.add(labelled.prepared.rows);
        if (lastError !== undefined) reporter.noteError(lastError);
      },
    };
  }

  /** Whether the champion's steps took the readings of a record in, without labels: where there are steps, and they can. */
  function takeIn(record: StoredRecord): boolean {
    const partition = models.get(record.partition);
    if (!partition) return false;
    const { readings, champion, challenger } = partition;
    readings.reset(1);
    readings.take(record);
    const [taken] = sessionsOf(partition).map((session) => (readings.isEmpty ? undefined : absorb(session, readings)));
    partition.facts.commit(readings.facts, forgottenBy(sessionsOf(partition)));
    for (const slot of [champion, challenger]) slot.committed(readings, record.offset);
    const steps = taken && stepsOf(taken);
    if (!steps) return false;
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
    checkpointNow: models.changed,
    held: models.held,
    waiting: models.waiting,
    quiet: models.quiet,
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

const stepsOf = (prepared: PreparedRows) =>
  prepared.outcomes.length > 0 || prepared.gated ? countSteps(prepared) : undefined;

/**
 * Whether the state after a batch does not depend on its place between batches of the other topic. It does where a model remembers rows in
 * the order in which they are labelled, and where versions complete rows and are closed then.
 * @param made - what each session made of the batch; undefined where it failed
 */
function commutes(
  { champion, challenger }: Partition,
  made: readonly (Pick<LabelledBatch, 'prepared'> | undefined)[],
): boolean {
  const remembers = [champion, challenger].some(({ current }) => (current?.streamModel.model.memoryMs ?? 0) > 0);
  if (remembers || champion.finishing.length > 0) return false;
  return made.every((one) => one !== undefined && one.prepared.gated?.commutes !== false);
}

/** The champion's first. */
const sessionsOf = ({ champion, challenger }: Partition): readonly ModelSession[] =>
  [champion.current, ...champion.finishing, challenger.current].filter((session) => session !== undefined);
