import type { ServerResponse } from 'node:http';
import { type HttpProblem, sendError } from '../../core/http/problem.ts';

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

/** Answers as InfluxDB 2.7 does. */
export function sendInfluxError(response: ServerResponse, problem: HttpProblem): void {
  if (response.headersSent) return;
  const code = influxCodes[problem.status] ?? 'internal error';
  response.setHeader('x-platform-error-code', code);
  sendError(response, problem, 'application/json; charset=utf-8', JSON.stringify({ code, message: problem.message }));
}
