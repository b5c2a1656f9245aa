import type { Logger } from 'pino';
import { createPartitioner } from '../core/log/partition.ts';
import { type EventLog, type LogRecord, totalLag } from '../core/log/port.ts';
import { backoffMs } from '../core/retry/backoff.ts';
import { sleep } from '../core/retry/sleep.ts';
import type { Tick } from '../core/wire/alert.ts';
import { describeError } from '../core/wire/errors.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { validate } from '../core/wire/validate.ts';

export interface TickerOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  /** The topic of ticks. */
  readonly topic: string;
  readonly everyMs: number;
  /** The group that watches for silence; undefined where no rule does. */
  readonly silentGroup: string | undefined;
  /** Whether a rule looks at lag or drift. */
  readonly line: boolean;
  /** By stage, the group that takes the readings for it: how far it is behind is asked of the log, as a stage that hangs reports nothing. */
  readonly readers: ReadonlyMap<string, string>;
}

const appendMs = 5_000;
/** A stage that has not reported for so long is not asked any more. */
const reportedMs = 10_000;
/** A partition whose end is not reached for so long was made anew. */
const stuckMs = 60_000;
const backoff = { firstMs: 500, maxMs: 10_000 };
const nsOf = (ms: number): string => `${BigInt(ms) * 1_000_000n}`;

/** Writes the passing of time, and how the stages are, into the log, where rules find it in one order with what they read. */
export function startTicker(options: TickerOptions): { stop(): Promise<void> } {
  const { logger, everyMs, silentGroup, line } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const statuses = new Map<string, { readonly status: Status; readonly arrivedMs: number }>();
  const marks = new Map<number, Mark>();

  async function tick(): Promise<void> {
    if (silentGroup !== undefined) await tickPartitions(options, silentGroup, marks);
    if (line) await tickLine(options, statuses);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await tick();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 1) logger.warn(`Time is not written to the log: ${describeError(error)}; trying again`);
      }
      await sleep(failures > 0 ? backoffMs(backoff, failures) : everyMs, { signal });
    }
  }

  const work = Promise.all([run(), ...(line ? [followStatuses(options, statuses, signal)] : [])]);
  return {
    async stop() {
      stopping.abort();
      await Promise.race([work, sleep(appendMs, { ref: false })]);
    },
  };
}

/** How far a partition of the readings had come at a time. */
interface Mark {
  readonly atMs: number;
  readonly end: bigint;
}

/**
 * A partition gets a tick of a time once the group has taken all that had arrived by then: being behind is no silence. None is added to one
 * that is not taken yet.
 */
async function tickPartitions({ stream, log, topic }: TickerOptions, group: string, marks: Map<number, Mark>) {
  const nowMs = Date.now();
  const all = await log.lag(group, [stream.topics.readings, topic]);
  const isWaiting = new Set(
    all.filter((each) => each.topic === topic && each.lag > 0).map(({ partition }) => partition),
  );
  const readings = all.filter((each) => each.topic !== topic);
  const partitions = readings.filter(({ partition }) => !isWaiting.has(partition));
  const keyOf = partitionKeys(readings.length);
  const records: LogRecord[] = [];
  for (const { partition, committed, end } of partitions) {
    const known = marks.get(partition);
    const mark = known && nowMs - known.atMs < stuckMs ? known : { atMs: nowMs, end };
    if (committed < mark.end) {
      marks.set(partition, mark);
      continue;
    }
    marks.delete(partition);
    records.push(recordOf(`${partition}`, { kind: 'time', at: nsOf(mark.atMs) }, keyOf(partition)));
  }
  if (records.length > 0) await log.append(topic, records, { deadlineMs: appendMs });
}

async function tickLine(
  { stream, log, topic, readers }: TickerOptions,
  statuses: ReadonlyMap<string, { readonly status: Status; readonly arrivedMs: number }>,
): Promise<void> {
  const nowMs = Date.now();
  const lag: Record<string, number> = {};
  let drift: Status['drift'];
  for (const { status, arrivedMs } of statuses.values()) {
    if (nowMs - arrivedMs > reportedMs) continue;
    if (status.lag !== undefined) lag[status.stage] = Math.max(lag[status.stage] ?? 0, status.lag);
    if (status.drift && (!drift || status.drift.readings > drift.readings)) drift = status.drift;
  }
  for (const [stage, group] of readers) lag[stage] = totalLag(await log.lag(group, [stream.topics.readings]));
  const tick: Tick = { kind: 'line', at: nsOf(nowMs), lag, ...(drift && { drifted: drift.drifted }) };
  await log.append(topic, [recordOf(stream.name, tick)], { deadlineMs: appendMs });
}

const recordOf = (key: string, tick: Tick, partitionKey = key): LogRecord => ({
  ...{ key, partitionKey },
  value: Buffer.from(JSON.stringify(tick)),
});

/** A key for each partition: the log chooses a partition by key only. */
function partitionKeys(count: number): (partition: number) => string {
  const partitionOf = createPartitioner();
  const keys = new Map<number, string>();
  for (let number = 0; keys.size < count; number++) {
    const partition = partitionOf(`${number}`, count);
    if (!keys.has(partition)) keys.set(partition, `${number}`);
  }
  return (partition) => keys.get(partition) ?? `${partition}`;
}

const mostStatuses = 256;

/** Keeps the last report of each member of a stage. */
async function followStatuses(
  { stream, log, logger }: TickerOptions,
  statuses: Map<string, { readonly status: Status; readonly arrivedMs: number }>,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      for await (const records of log.tail([stream.topics.status], { since: 'now', signal })) {
        failures = 0;
        for (const { value, arrivedMs } of records) {
          const status = statusIn(value);
          if (status?.stream === stream.name) keep(statuses, status, arrivedMs);
        }
      }
    } catch (error) {
      logger.debug({ err: error }, 'The status of the stages cannot be followed now');
    }
    if (!signal.aborted) await sleep(backoffMs(backoff, Math.max(1, failures)), { signal });
  }
}

function keep(
  statuses: Map<string, { readonly status: Status; readonly arrivedMs: number }>,
  status: Status,
  arrivedMs: number,
): void {
  const key = `${status.stage} ${status.instance}`;
  statuses.delete(key);
  const [oldest] = statuses.keys();
  if (statuses.size >= mostStatuses && oldest !== undefined) statuses.delete(oldest);
  statuses.set(key, { status, arrivedMs });
}

function statusIn(value: Uint8Array): Status | undefined {
  try {
    const parsed = validate(statusSchema, JSON.parse(Buffer.from(value).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
