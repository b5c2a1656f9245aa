import { HttpProblem } from '../../core/http/problem.ts';
import { type ErrorCode, errorCatalog, GaplineError } from '../../core/wire/errors.ts';

/** What the gateway rests on, and a client may wait for. */
const codes: readonly ErrorCode[] = ['registry-unavailable', 'registry-refused', 'model-unavailable'];
const retryAfterS = 5;

/** The problem of an error that the gateway has no part in: its code and title alone, as its message names addresses. */
export function unavailableProblem(error: unknown): HttpProblem | undefined {
  if (!(error instanceof GaplineError) || error instanceof HttpProblem || !codes.includes(error.code)) return undefined;
  return new HttpProblem(error.code, errorCatalog[error.code].title, { retryAfterS, cause: error });
}
