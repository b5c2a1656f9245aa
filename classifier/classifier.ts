import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type EventLog, type Running, type Stall, type StoredRecord, totalLag } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import type { Model, ModelIdentity, ModelSource } from '../core/model/model.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import { describeError } from '../core/wire/errors.ts';
import type { Status } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { type ChallengerSource, followModels } from './following.ts';
import { createLabeller, type Labeller } from './labeller.ts';
import { createMetrics } from './metrics.ts';
import { serve } from './serving.ts';
import { createShadow } from './shadow.ts';
import { type ClassifierTotals, Tally } from './totals.ts';

export interface ClassifierOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  /** The version that serves; where the source can be watched, a change is followed while running. */
  readonly models: ModelSource;
  /** A version that labels the same readings in the shadow. */
  readonly challengers?: ChallengerSource;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Tells this member of the group from the others. Default: made up. */
  readonly instance?: string;
  /** Readings a batch, at most; default the log's. */
  readonly maxBatch?: number;
  /** The population stability index above which a field counts as drifted. Default 0.2. */
  readonly driftThreshold?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface Classifier extends Stage {
  totals(): ClassifierTotals & {
    readonly model: ModelIdentity | undefined;
    readonly challenger: ModelIdentity | undefined;
    readonly drift: Status['drift'];
  };
}

/** The group under which the classifiers of a stream share its partitions. */
export const classifierGroup = (stream: Stream): string => `${stream.name}.classifier`;

/** Labels a stream: readings in; predictions, dead letters and counted skips out, committed together with the offsets. */
export function createClassifier(options: ClassifierOptions): Classifier {
  const {
    stream,
    log,
    models,
    challengers,
    logger,
    registry,
    maxBatch,
    driftThreshold = 0.2,
    now = Date.now,
  } = options;
  const reporter = createReporter({
    ...{ stream, stage: 'classifier', now },
    instance: options.instance ?? randomBytes(4).toString('hex'),
  });
  const note = reporter.noteError;
  const group = classifierGroup(stream);
  const tally = new Tally();
  const metrics = createMetrics(registry);
  let labeller: Labeller | undefined;
  let running: Running | undefined;
  let following: { stop(): Promise<void> } | undefined;

  function stalled({ topic, partition, error, attempt }: Stall): void {
    metrics.stalled();
    note(`${topic}/${partition}: attempt ${attempt}: ${describeError(error)}`);
  }

  /** For records that the model itself cannot take; what cannot be read is found while decoding. */
  function deadLetter(record: StoredRecord, error: unknown) {
    tally.addDeadLetters(1);
    metrics.deadLetter();
    note(error);
    return reporter.deadLetter(record, error);
  }

  async function lagOfGroup(): Promise<number | undefined> {
    try {
      return totalLag(await log.lag(group, [stream.topics.readings]));
    } catch (error) {
      logger.debug({ err: error }, 'the lag is not known');
      return undefined;
    }
  }

  function counters(): Status['counters'] {
    const { readings, gaps, labels, unknown, deadLetters, skipped, unknownFields, scored, right, comparison } =
      tally.totals();
    const own = { readings, gaps, labels, unknown, deadLetters, skipped, unknownFields, scored, right };
    if (!labeller?.challenger) return own;
    return {
      ...own,
      shadowLabels: comparison.readings,
      shadowSkipped: comparison.skipped,
      shadowAgreed: comparison.agreed,
      shadowScored: comparison.scored,
      shadowRight: comparison.challenger.right,
      shadowChampionRight: comparison.champion.right,
    };
  }

  async function snapshot() {
    const lag = await lagOfGroup();
    const latency = tally.recentLatency(now());
    const drift = labeller?.drift?.summary();
    const challenger = labeller?.challenger?.model.identity.version;
    metrics.reported(latency, lag);
    metrics.drifted(drift);
    return reporter.status({
      counters: counters(),
      ...(labeller && {
        model: { ...labeller.champion.model.identity, ...(challenger !== undefined && { challenger }) },
      }),
      latency,
      ...(drift && { drift }),
      ...(lag !== undefined && { lag }),
    });
  }

  function refused(reason: string): void {
    metrics.refused();
    note(reason);
    logger.error(
      `refused, ${labeller ? describeModel(labeller.champion.model.identity) : 'nothing'} goes on: ${reason}`,
    );
  }

  function crown(model: Model): void {
    const before = labeller!.champion.model.identity;
    labeller!.crown(serve(stream, model));
    metrics.changed();
    metrics.serving(model.identity.name, model.identity.version);
    logger.info(`${describeModel(model.identity)} takes over from ${describeModel(before)}`);
  }

  function challenge(model: Model | undefined): void {
    try {
      labeller!.challenge(model && serve(stream, model));
      logger.info(model ? `${describeModel(model.identity)} labels in the shadow` : 'nothing labels in the shadow');
    } catch (error) {
      refused(describeError(error));
      void model?.close();
    }
  }

  /** The champion need not be held against itself. */
  async function resolveChallenger(): Promise<number | undefined> {
    const version = await challengers?.resolve();
    return version === labeller?.champion.model.identity.version ? undefined : version;
  }

  async function open(fail: (error: unknown) => void): Promise<void> {
    const champion = serve(stream, await models.current());
    const shadow = createShadow({ failed: note });
    labeller = createLabeller({ ...options, group, champion, shadow, tally, metrics, driftThreshold, now, reporter });
    metrics.serving(champion.model.identity.name, champion.model.identity.version);
    const { assigned, revoked, transform } = labeller;
    running = await log.pipe(
      { from: [stream.topics.readings], group, ...(maxBatch !== undefined && { maxBatch }) },
      { assigned, revoked, transform, deadLetter, stalled },
    );
    running.failed.catch(fail);
    following = followModels({
      ...{ models, logger, champion: champion.model },
      challengers: challengers && { resolve: resolveChallenger, load: (version) => challengers.load(version) },
      ...{ onChampion: crown, onChallenger: challenge, onRefused: refused },
    });
    logger.info({ group }, `labelling ${stream.name} with ${describeModel(champion.model.identity)}`);
  }

  async function close(): Promise<void> {
    await following?.stop();
    await running?.stop();
    await labeller?.close();
  }

  return {
    ...createStage({
      open,
      close,
      report: () => reportStatus({ log, topic: stream.topics.status, logger, snapshot }),
    }),
    totals: () => ({
      ...tally.totals(),
      model: labeller?.champion.model.identity,
      challenger: labeller?.challenger?.model.identity,
      drift: labeller?.drift?.summary(),
    }),
  };
}

const describeModel = ({ name, version }: ModelIdentity): string => `model ${name} version ${version}`;
