import type { Logger } from 'pino';
import { type EventLog, type PartitionLag, totalLag } from '../core/log/port.ts';
import type { StageFigures } from '../core/stage/reporter.ts';
import type { Promotion } from '../core/wire/promotion.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { Labeller } from './labeller.ts';
import type { Metrics } from './metrics.ts';
import type { ClassifierTotals, Tally } from './totals.ts';

export interface FiguresOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly group: string;
  readonly tally: Tally;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly steadyNow: () => number;
  /** The topics that the group reads. */
  readonly inputs: readonly string[];
}

/** The figures of a classifier's status report, which are also those of its metrics. */
export function createFigures(options: FiguresOptions) {
  const { stream, log, group, tally, metrics, logger, now, steadyNow, inputs } = options;
  async function lagOfGroup(): Promise<readonly PartitionLag[] | undefined> {
    try {
      return await log.lag(group, inputs);
    } catch (error) {
      logger.debug({ err: error }, 'the lag is not known');
      return undefined;
    }
  }

  /** Without a labeller, before the first model is loaded. */
  return async (labeller: Labeller | undefined, promotions: readonly Promotion[] = []): Promise<StageFigures> => {
    const lags = await lagOfGroup();
    labeller?.quiet(lags && caughtUp(lags), steadyNow());
    const lag = lags && totalLag(lags.filter(({ topic }) => topic === stream.topics.readings));
    const latency = tally.recentLatency(now());
    const drift = labeller?.drift?.summary();
    const challenger = labeller?.challenger?.model.identity.version;
    metrics.reported(latency, lag);
    metrics.drifted(drift);
    return {
      counters: countersOf(tally.totals(), challenger !== undefined, {
        held: labeller?.held() ?? 0,
        waiting: labeller?.waiting(),
      }),
      ...(labeller && {
        model: { ...labeller.champion.model.identity, ...(challenger !== undefined && { challenger }) },
      }),
      ...(promotions.length > 0 && { promotions: [...promotions] }),
      latency,
      ...(drift && { drift }),
      ...(lag !== undefined && { lag }),
    };
  };
}

/** The partitions of which no topic has a record left. */
function caughtUp(lags: readonly PartitionLag[]): ReadonlySet<number> {
  const behind = new Set(lags.filter(({ lag }) => lag > 0).map(({ partition }) => partition));
  return new Set(lags.map(({ partition }) => partition).filter((partition) => !behind.has(partition)));
}

interface Held {
  readonly held: number;
  readonly waiting: ReturnType<Labeller['waiting']> | undefined;
}

function countersOf(totals: ClassifierTotals, challenged: boolean, { held, waiting }: Held): StageFigures['counters'] {
  const { readings, gaps, labels, unknown, deadLetters, skipped, unknownFields, scored, right, comparison, steps } =
    totals;
  const own = {
    ...{ readings, gaps, labels, unknown, deadLetters, skipped, unknownFields, scored, right },
    ...(steps && { ...steps, held }),
    ...factCounters(totals, waiting),
  };
  if (!challenged) return own;
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

/** Facts that were taken, and readings that wait for facts or waited in vain; nothing where the stream takes none. */
function factCounters({ facts, skippedBy }: ClassifierTotals, waiting: Held['waiting']): Record<string, number> {
  if (!facts) return {};
  const { missedBy, ...counts } = facts;
  return {
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [`facts${capital(name)}`, count])),
    factsWaiting: waiting?.rows ?? 0,
    factsWaitingBytes: waiting?.bytes ?? 0,
    skippedNoFact: skippedBy['no-fact'] ?? 0,
    skippedHeldFull: skippedBy['held-full'] ?? 0,
    ...Object.fromEntries(Object.entries(missedBy).map(([kind, count]) => [`skippedNoFact.${kind}`, count])),
  };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
