import type { ServerResponse } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { type ErrorCode, errorCatalog, GaplineError } from '../wire/errors.ts';
import { type Fault, problemOf, problemType } from '../wire/problem.ts';
import { type Reply, replyOf, sendReply } from './reply.ts';

export interface HttpProblemOptions {
  /** Each place of the request that is wrong. */
  readonly errors?: readonly Fault[];
  /** Whole seconds until it is worth trying again. */
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

/** Why a request is refused. Its message goes to the sender, so it contains nothing that only operators should know. */
export class HttpProblem extends GaplineError {
  readonly errors: readonly Fault[];
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, detail: string, options: HttpProblemOptions = {}) {
    super(code, detail, { cause: options.cause, retryable: errorCatalog[code].status >= 500 });
    this.name = 'HttpProblem';
    this.errors = options.errors ?? [];
    this.retryAfterS = options.retryAfterS;
  }

  get status(): number {
    return errorCatalog[this.code].status;
  }
}

/**
 * The problem that stands for anything thrown while a request was handled. A server's own faults become `internal`, without their message.
 * @param server what failed then, in words, for example `the collector`
 */
export function toHttpProblem(error: unknown, server: string): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (isSendersFault(error)) return new HttpProblem(error.code, error.message);
  // Express throws this for a path whose escapes are broken.
  if (error instanceof URIError) return new HttpProblem('request-malformed', 'the address cannot be decoded');
  return (
    ofBodyParser(error) ?? new HttpProblem('internal', `${server} failed; the reason is in its log`, { cause: error })
  );
}

/** Whether the request is at fault, and the sender may read the message. The guard throws such errors. */
export function isSendersFault(error: unknown): error is GaplineError {
  return error instanceof GaplineError && errorCatalog[error.code].status < 500;
}

/** Errors of Express' body parser have a `status`; no other error that is thrown while a request is handled has one. */
function ofBodyParser(error: unknown): HttpProblem | undefined {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  if (status === 413) return new HttpProblem('body-too-large', 'the body is larger than this address takes');
  if (status === 415) return new HttpProblem('media-type-unsupported', 'send application/json in UTF-8');
  if (status === 400) return new HttpProblem('body-malformed', 'the body is not JSON');
  return undefined;
}

/** Problem details (RFC 9457) as a response. */
export function problemReply(problem: HttpProblem): Reply {
  return errorReply(problem, problemType, JSON.stringify(problemOf(problem.code, problem.message, problem.errors)));
}

/** An error in the caller's format, with the problem's status and `Retry-After`. */
export function errorReply(
  { status, retryAfterS }: HttpProblem,
  type: string,
  body: string,
  headers: Reply['headers'] = {},
): Reply {
  return replyOf(status, type, body, { ...headers, ...(retryAfterS !== undefined && { 'retry-after': retryAfterS }) });
}

/** Sends problem details (RFC 9457). */
export function sendProblem(response: ServerResponse, problem: HttpProblem): void {
  sendReply(response, problemReply(problem));
}

/** The last handler of an Express app: responds to any error with problem details. */
export function problemHandler(server: string, logger: Logger): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const problem = toHttpProblem(error, server);
    if (problem.code === 'internal') logger.error({ err: error, path: request.path }, `${server} failed to respond`);
    if (response.headersSent) response.destroy();
    else sendProblem(response, problem);
  };
}
