import { errorReply, type HttpProblem } from '../../core/http/problem.ts';
import type { Reply } from '../../core/http/reply.ts';

/** The codes of InfluxDB's own errors, by status. */
const influxCodes: Record<number, string> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  413: 'request too large',
  415: 'invalid',
  429: 'too many requests',
  503: 'unavailable',
};

/** An error as InfluxDB 2.7 responds with it. */
export function influxErrorReply(problem: HttpProblem): Reply {
  const code = influxCodes[problem.status] ?? 'internal error';
  const body = JSON.stringify({ code, message: problem.message });
  return errorReply(problem, 'application/json; charset=utf-8', body, { 'x-platform-error-code': code });
}
