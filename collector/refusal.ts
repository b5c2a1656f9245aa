import { type ErrorCode, errorCatalog, GaplineError } from '../core/wire/errors.ts';
import type { Fault } from '../core/wire/problem.ts';

export interface RefusalOptions {
  readonly errors?: readonly Fault[];
  /** Whole seconds until it is worth trying again. */
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

/** Why a request is not taken, as the sender will read it. */
export class Refusal extends GaplineError {
  readonly errors: readonly Fault[];
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, detail: string, options: RefusalOptions = {}) {
    super(code, detail, { cause: options.cause, retryable: errorCatalog[code].status >= 500 });
    this.name = 'Refusal';
    this.errors = options.errors ?? [];
    this.retryAfterS = options.retryAfterS;
  }

  get status(): number {
    return errorCatalog[this.code].status;
  }
}

/** The refusal that stands for anything thrown while a request was handled. What is not meant for senders stays out of it. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof GaplineError && error.code === 'log-unavailable') {
    return new Refusal('log-unavailable', 'the log did not confirm the readings; send them again', {
      retryAfterS: 2,
      cause: error,
    });
  }
  // The guard's refusals say what a sender may know, and have set their headers.
  if (error instanceof GaplineError && errorCatalog[error.code].status < 500)
    return new Refusal(error.code, error.message);
  return new Refusal('internal', 'the collector failed; its log says why', { cause: error });
}
