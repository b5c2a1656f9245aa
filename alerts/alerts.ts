import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type EventLog, type Running, totalLag } from '../core/log/port.ts';
import { reportStatus } from '../core/log/status.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import type { AlertTopics } from '../core/wire/alert.ts';
import { statusEveryMs } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { deliveryGroup, startDelivery } from './delivery/deliver.ts';
import { Silences } from './delivery/silences.ts';
import type { Webhook } from './delivery/webhook.ts';
import { firstStarts } from './first-starts.ts';
import { type AlertMetrics, createAlertMetrics } from './metrics.ts';
import { promotionsGroup, startPromotions } from './promotions.ts';
import { judgeLine } from './rules/on-line.ts';
import { judgePredictions } from './rules/on-predictions.ts';
import { judgeSilence } from './rules/on-silence.ts';
import { isLineRule, isPredictionRule, isSilentRule, type Rule } from './rules/rule.ts';
import { type RulePipe, startRulePipe } from './rules/rule-pipe.ts';
import { TakenRecords } from './taken.ts';
import { startTicker } from './ticker.ts';

export interface AlertsOptions {
  /** Its `alerts` are where they are kept. */
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly rules: readonly Rule[];
  readonly webhooks: readonly Webhook[];
  /** Whether webhooks are told when another version serves. Default: they are not. */
  readonly promotions?: boolean;
  /** By stage, the group that takes the readings for it. The lag of other stages is what they report. */
  readonly readers?: Readonly<Partial<Record<string, string>>>;
  /** How long a notification is tried. Default one day. */
  readonly giveUpAfterMs?: number;
  /** Subjects of a rule in a partition, at most. */
  readonly maxSubjects?: number;
}

export const alertsGroup = (stream: Stream): string => `${stream.name}.alerts`;
const silentGroup = (stream: Stream): string => `${stream.name}.alerts.silent`;
const lineGroup = (stream: Stream): string => `${stream.name}.alerts.line`;

/** Raises alerts by rules on what goes down the line, and sends them to webhooks. Without rules it only reports that it is there. */
export function createAlerts(options: AlertsOptions): Stage {
  const { stream, log, logger, registry, rules, webhooks, promotions = false } = options;
  const reporter = createReporter({ stream, stage: 'alerts' });
  const pipes: RulePipe[] = [];
  const metrics = createAlertMetrics(registry, () => pipes.reduce((sum, pipe) => sum + pipe.firing(), 0));
  const silences = new Silences();
  let taken: TakenRecords | undefined;
  const running: { stop(): Promise<void> }[] = [];
  const hasPredictionRules = rules.some(isPredictionRule);

  function started<T extends Running>(part: T, fail: (error: unknown) => void): T {
    running.push(part);
    part.failed.catch(fail);
    return part;
  }

  async function open(fail: (error: unknown) => void): Promise<void> {
    const { alerts: topics } = stream;
    if (!topics || (rules.length === 0 && !promotions))
      return logger.info('there are no rules under alerts; nothing is watched');
    const groups = [alertsGroup, silentGroup, lineGroup, promotionsGroup].map((groupOf) => groupOf(stream));
    const receivers = webhooks.map(({ name }) => deliveryGroup(stream, name));
    const starts = await firstStarts(log, topics.silences, [...groups, ...receivers]);
    taken = new TakenRecords({ log, logger, topic: topics.silences });
    await taken.start();
    for (const pipe of await openPipes({ ...options, topics, reporter, metrics, starts, taken }))
      pipes.push(started(pipe, fail));
    const needsSilence = rules.some(isSilentRule);
    const needsLine = rules.some(isLineRule);
    if (needsSilence || needsLine) {
      const group = needsSilence ? silentGroup(stream) : undefined;
      const everyMs = tickEveryMs(rules);
      const readers = readersOf(rules, options.readers ?? {});
      running.push(
        startTicker({ ...options, topic: topics.ticks, everyMs, silentGroup: group, line: needsLine, readers }),
      );
    }
    if (promotions) {
      const startMs = starts.get(promotionsGroup(stream)) ?? Date.now();
      running.push(startPromotions({ stream, log, logger, topic: topics.alerts, startMs }));
    }
    await silences.start(log, topics.silences, logger);
    const { giveUpAfterMs = 86_400_000 } = options;
    const shared = { stream, log, topic: topics.alerts, silences, giveUpAfterMs, metrics, reporter, taken };
    for (const webhook of webhooks) {
      const startMs = starts.get(deliveryGroup(stream, webhook.name)) ?? Date.now();
      started(await startDelivery({ ...shared, webhook, startMs }), fail);
    }
    logger.info({ rules: rules.length, webhooks: webhooks.length }, `watching ${stream.name}`);
  }

  const snapshot = async () => {
    const counters = metrics.counters();
    if (!hasPredictionRules) return reporter.status({ counters });
    return reporter.status({
      counters,
      lag: totalLag(await log.lag(alertsGroup(stream), [stream.topics.predictions])),
    });
  };
  return createStage({
    open,
    async close() {
      await Promise.all([silences.stop(), ...running.map((part) => part.stop())]);
      await taken?.stop();
    },
    report: () => reportStatus({ log, topic: stream.topics.status, logger, snapshot }),
  });
}

type PipeParts = Pick<AlertsOptions, 'stream' | 'log' | 'logger' | 'rules' | 'maxSubjects'> & {
  readonly topics: AlertTopics;
  readonly reporter: ReturnType<typeof createReporter>;
  readonly metrics: AlertMetrics;
  /** When each group first started. */
  readonly starts: ReadonlyMap<string, number>;
  readonly taken: TakenRecords;
};

/** A pipe for each kind of input that a rule looks at. */
async function openPipes({ topics, rules, starts, ...shared }: PipeParts): Promise<RulePipe[]> {
  const { stream } = shared;
  const { alerts, ticks, state, silentState, lineState } = topics;
  const { readings, predictions } = stream.topics;
  const onPredictions = rules.filter(isPredictionRule);
  const onSilence = rules.filter(isSilentRule);
  const onLine = rules.filter(isLineRule);
  const common = { ...shared, alerts };
  const member = (group: string) => ({ group, startMs: starts.get(group) ?? Date.now() });
  const pipes: RulePipe[] = [];
  if (onPredictions.length > 0)
    pipes.push(
      await startRulePipe({
        ...{ ...common, from: [predictions], ...member(alertsGroup(stream)), state },
        ...{ rules: onPredictions, isOwn: isPredictionRule, judge: judgePredictions },
      }),
    );
  if (onSilence.length > 0)
    pipes.push(
      await startRulePipe({
        ...{ ...common, from: [readings, ticks], ...member(silentGroup(stream)), state: silentState, inAnyOrder: true },
        ...{ rules: onSilence, isOwn: isSilentRule, judge: judgeSilence },
      }),
    );
  if (onLine.length > 0)
    pipes.push(
      await startRulePipe({
        ...{ ...common, from: [ticks], ...member(lineGroup(stream)), state: lineState },
        ...{ rules: onLine, isOwn: isLineRule, judge: judgeLine },
      }),
    );
  return pipes;
}

/** Only of those stages whose lag a rule looks at. */
function readersOf(rules: readonly Rule[], readers: Readonly<Partial<Record<string, string>>>): Map<string, string> {
  const stages = rules.filter(isLineRule).flatMap((rule) => (rule.kind === 'lag' ? [rule.stage] : []));
  return new Map(stages.flatMap((stage) => (readers[stage] === undefined ? [] : [[stage, readers[stage]]])));
}

/** Ten times within the shortest silence, but neither more often than each second nor more rarely than each ten; as often as stages report. */
function tickEveryMs(rules: readonly Rule[]): number {
  const silences = rules.filter(isSilentRule).map(({ silentNs }) => Number(silentNs / 1_000_000n));
  return Math.min(rules.some(isLineRule) ? statusEveryMs : 10_000, Math.max(1_000, Math.min(...silences) / 10));
}
