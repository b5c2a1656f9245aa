import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Guard } from '../core/access/guard.ts';
import { HttpProblem, toHttpProblem } from '../core/http/problem.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { ReadingRules } from '../core/wire/reading-input.ts';
import { isDiskFull } from '../core/wire/sqlite-code.ts';
import type { Stream } from '../core/wire/stream.ts';
import { isPrecision, nanosecondsOfMs, type Precision } from '../core/wire/time.ts';
import type { BodyLimits } from './body.ts';
import type { GroupCommit } from './group-commit.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { CollectorMetrics, EndpointName } from './metrics.ts';
import type { AwaitedLabels } from './readings/awaited-labels.ts';

/** What both endpoints of devices need. */
export interface EndpointOptions {
  readonly stream: Stream;
  /** Of one request. */
  readonly maxReadings: number;
  /** How far ahead of the collector's clock a reading's time may be. */
  readonly maxAheadMs: number;
  readonly body: BodyLimits;
  readonly memory: MemoryBudget;
  readonly guard: Guard;
  readonly groups: GroupCommit;
  /** For senders that wait for labels; absent where a reading alone gets none. */
  readonly labels?: AwaitedLabels | undefined;
  readonly metrics: CollectorMetrics;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** The parameters of a request's address; requests with the same ones may share the object. */
export type Query = Readonly<Record<string, unknown>>;

export type EndpointHandler = (request: IncomingMessage, response: ServerResponse, query: Query) => Promise<void>;

/** What the readings of one request are checked by. */
export interface Arrival {
  readonly rules: ReadingRules;
  /** When the request was received: nanoseconds since the epoch, as a decimal string. */
  readonly received: string;
}

/** Makes the rules by which the readings of one request are checked that is received now. */
export function readingRules({ stream, maxAheadMs, metrics, nowMs }: EndpointOptions) {
  const known = new Set(stream.fields);
  let last: { readonly receivedMs: number; readonly precision: Precision; readonly arrival: Arrival } | undefined;
  return (precision: Precision): Arrival => {
    const receivedMs = nowMs();
    if (last?.receivedMs === receivedMs && last.precision === precision) return last.arrival;
    const latest = nanosecondsOfMs(receivedMs + maxAheadMs);
    const rules = { fields: stream.fields, known, precision, latest, unknown: metrics.unknownField };
    const arrival = { rules, received: nanosecondsOfMs(receivedMs) };
    last = { receivedMs, precision, arrival };
    return arrival;
  };
}

/**
 * The query's `precision`; nanoseconds where there is none.
 * @throws {HttpProblem} `reading-invalid`
 */
export function precisionOf(value: unknown): Precision {
  if (value === undefined || value === '') return 'ns';
  if (typeof value === 'string' && isPrecision(value)) return value;
  throw new HttpProblem('reading-invalid', 'invalid precision; valid precision units are ns, us, ms, and s');
}

/** The problem that an error becomes. Counts it, and logs it if the collector is at fault. */
export function problemOfError(
  error: unknown,
  endpoint: EndpointName,
  { metrics, logger }: EndpointOptions,
): HttpProblem {
  const problem = logUnavailable(error) ?? toHttpProblem(error, 'the collector');
  metrics.refused(endpoint, problem.status);
  if (problem.code === 'internal') logger.error({ err: error }, 'a request failed');
  return problem;
}

/** Senders read that the log is unavailable; which of its servers refused what stands in the collector's own log only. */
function logUnavailable(error: unknown): HttpProblem | undefined {
  if (!(error instanceof GaplineError) || error instanceof HttpProblem || error.code !== 'log-unavailable')
    return undefined;
  if (isDiskFull(error.cause)) {
    const full = 'the disk of the log is full; send the readings again, they are taken once there is room';
    return new HttpProblem('disk-full', full, { retryAfterS: 5, cause: error });
  }
  const detail = 'the log did not confirm the readings; send them again';
  return new HttpProblem('log-unavailable', detail, { retryAfterS: 2, cause: error });
}
