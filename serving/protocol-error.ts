import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { isSendersFault } from '../core/http/problem.ts';
import { describeError, errorCatalog, GaplineError, isRetryable } from '../core/wire/errors.ts';
import { shorten } from '../core/wire/problem.ts';
import type { Metrics } from './metrics.ts';

/** A response other than 200, in the protocol's format: `{ "error": … }`. */
export class ProtocolError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** An inference request that is wrong. */
export class BadRequest extends ProtocolError {
  constructor(message: string) {
    super(400, message);
  }
}

/** Of a request's body. */
export const maxBodyBytes = 10 << 20;

/** Express' body parser and {@link ProtocolError} have a status. */
interface ErrorWithStatus extends Error {
  readonly status?: number;
  /** The body parser's name of the fault. */
  readonly type?: string;
}

/** The last handler of the app: responds to any error in the protocol's format. */
export function protocolErrorHandler(logger: Logger, metrics: Metrics): ErrorRequestHandler {
  return (error: ErrorWithStatus, _request, response: Response, next) => {
    if (response.headersSent) return next(error);
    const status = statusOf(error);
    if (status >= 500) logger.error({ err: error }, `a request failed: ${describeError(error)}`);
    metrics.failed(status);
    if (status === 503) response.setHeader('retry-after', '1');
    response.status(status).json({ error: explain(error, status), ...codeOf(error) });
  };
}

/** The code of an error that a client may want to tell from others; the protocol itself knows a text only. */
const codeOf = (error: unknown) =>
  isSendersFault(error) || (error instanceof GaplineError && error.code === 'state-restoring')
    ? { code: error.code }
    : {};

function statusOf(error: ErrorWithStatus): number {
  if (error.status !== undefined) return error.status;
  if (isSendersFault(error)) return errorCatalog[error.code].status;
  return isRetryable(error) ? 503 : 500;
}

function explain(error: ErrorWithStatus, status: number): string {
  if (error.type === 'entity.parse.failed') return `the body is not JSON: ${error.message}`;
  if (error.type === 'entity.too.large') return `the body is larger than ${maxBodyBytes} bytes`;
  return status === 500 ? 'the model failed' : shorten(error.message, 1_000);
}
