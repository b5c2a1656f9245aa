import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { CheckpointOptions, EventLog, Running, Stall, StoredRecord } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import type { ModelIdentity, ModelSource } from '../core/model/model.ts';
import { sleep } from '../core/retry/sleep.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { describeError } from '../core/wire/errors.ts';
import type { Status } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { createLabeller, type Labeller } from './labeller.ts';
import { createMetrics } from './metrics.ts';
import type { ChallengerSource } from './model-change/following.ts';
import { followModelChanges } from './model-change/model-changes.ts';
import { describeOtherSteps } from './other-steps.ts';
import { createBoundedPrediction } from './shadow/bounded-prediction.ts';
import { createFigures } from './status.ts';
import { createStreamModel, describeModel } from './stream-model.ts';
import { type ClassifierTotals, Tally } from './totals.ts';

export interface ClassifierOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  /** The version that serves; where the source can be watched, a change is followed while running. */
  readonly models: ModelSource;
  /** A version that labels the same readings in the shadow. */
  readonly challengers?: ChallengerSource;
  /** Those of the configuration, which a version may have been trained without; that is said. */
  readonly configuredSteps?: readonly StepSpec[];
  readonly logger: Logger;
  readonly registry: Registry;
  /** Distinguishes this member of the group from the others. Default: random. */
  readonly instance?: string;
  /** Readings a batch, at most; default the log's. */
  readonly maxBatch?: number;
  /** How often what a model remembers is kept; default the log's. */
  readonly checkpoints?: Omit<CheckpointOptions, 'topic'>;
  /** How long a version that completes its windows may be unavailable before it is given up. Default 60 s. */
  readonly finishingMs?: number;
  /** The population stability index above which a field counts as drifted. Default 0.2. */
  readonly driftThreshold?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Milliseconds of a clock that is never set; default `performance.now`. */
  readonly steadyNow?: () => number;
}

export interface Classifier extends Stage {
  totals(): ClassifierTotals & {
    /** Samples that wait in steps. */
    readonly held: number;
    readonly model: ModelIdentity | undefined;
    readonly challenger: ModelIdentity | undefined;
    readonly drift: Status['drift'];
  };
}

/** The group under which the classifiers of a stream share its partitions. */
export const classifierGroup = (stream: Stream): string => `${stream.name}.classifier`;

/** The topics that a classifier reads. Facts first: there are few, and each of their batches behind readings takes a checkpoint. */
export const inputsOf = ({ facts, topics }: Stream): readonly string[] =>
  facts ? [topics.facts, topics.readings] : [topics.readings];

/** How long a stop waits for a model, or for the look at a registry that is under way. */
const letGoMs = 2_000;

const bounded = (stopping: Promise<void> | undefined) => Promise.race([stopping, sleep(letGoMs, { ref: false })]);

/** Labels a stream: readings in; predictions, dead letters and counted skips out, committed together with the offsets. */
export function createClassifier(options: ClassifierOptions): Classifier {
  const { stream, log, models, logger, registry, maxBatch, driftThreshold = 0.2, now = Date.now } = options;
  const group = classifierGroup(stream);
  const tally = new Tally();
  const metrics = createMetrics(registry);
  const instance = options.instance ?? randomBytes(4).toString('hex');
  const reporter = createReporter({ stream, stage: 'classifier', instance, now });
  const shared = { ...options, group, tally, metrics, reporter, driftThreshold, now };
  const steadyNow = options.steadyNow ?? (() => performance.now());
  const figuresOf = createFigures({ ...shared, steadyNow, inputs: inputsOf(stream) });
  let labeller: Labeller | undefined;
  let running: Running | undefined;
  let following: ReturnType<typeof followModelChanges> | undefined;

  function stalled({ topic, partition, error, attempt }: Stall): void {
    metrics.stalled();
    reporter.noteError(`${topic}/${partition}: attempt ${attempt}: ${describeError(error)}`);
  }

  /** For records that the model itself cannot take; what cannot be read is found while decoding. */
  function deadLetter(record: StoredRecord, error: unknown, maxBytes?: number) {
    // Asked for once more, smaller, it is the same one.
    if (maxBytes === undefined) reporter.noteError(error);
    return reporter.deadLetter(record, error, maxBytes);
  }

  function checkpointRefused(partition: number, error: unknown): void {
    metrics.checkpointLost('unwritten');
    reporter.noteError(`partition ${partition}: a checkpoint cannot be written: ${describeError(error)}`);
  }

  async function open(fail: (error: unknown) => void): Promise<void> {
    const champion = createStreamModel(stream, await models.current());
    const predictInShadow = createBoundedPrediction({ failed: reporter.noteError });
    const loadVersion = models.load?.bind(models);
    const opened = createLabeller({ ...shared, champion, predictInShadow, loadVersion });
    labeller = opened;
    metrics.serving(champion.model.identity.name, champion.model.identity.version);
    const { assigned, revoked, transform, passed, save, checkpointNow } = opened;
    running = await log.pipe(
      {
        ...{ from: inputsOf(stream), group, ...(maxBatch !== undefined && { maxBatch }) },
        checkpoints: { ...options.checkpoints, topic: stream.topics.state },
      },
      { assigned, revoked, transform, passed, save, checkpointNow, checkpointRefused, deadLetter, stalled },
    );
    running.failed.catch(fail);
    following = followModelChanges({ ...shared, labeller: opened });
    logger.info({ group }, `labelling ${stream.name} with ${describeModel(champion.model.identity)}`);
    const otherSteps = describeOtherSteps(champion.model, options.configuredSteps);
    if (otherSteps !== undefined) logger.warn(otherSteps);
  }

  async function close(): Promise<void> {
    // What is in hand is committed whether or not a registry or a model server lets go.
    await Promise.all([bounded(following?.stop()), running?.stop()]);
    await bounded(labeller?.close());
  }

  const snapshot = async () => reporter.status(await figuresOf(labeller, following?.promotions));
  const report = () => reportStatus({ log, topic: stream.topics.status, logger, snapshot });
  return {
    ...createStage({ open, close, report }),
    totals: () => ({
      ...tally.totals(),
      held: labeller?.held() ?? 0,
      model: labeller?.champion.model.identity,
      challenger: labeller?.challenger?.model.identity,
      drift: labeller?.drift?.summary(),
    }),
  };
}
