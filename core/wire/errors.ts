/**
 * Every error that a person can meet, by its code. The list is closed: documentation and tests are held to it both ways.
 * `status` is what an HTTP door answers with; `cure` says what to do next.
 */
export const errorCatalog = {
  'config-invalid': { status: 500, title: 'The configuration is not valid', cure: 'Correct what is named.' },
  'data-invalid': { status: 400, title: 'The data set cannot be read', cure: 'Correct the line that is named.' },
  'reading-invalid': {
    status: 400,
    title: 'The request holds invalid readings',
    cure: 'Correct each place and resend.',
  },
  'body-malformed': { status: 400, title: 'The body cannot be parsed', cure: 'Send JSON, NDJSON or line protocol.' },
  'body-too-large': { status: 413, title: 'The body is too large', cure: 'Send fewer readings in one request.' },
  'media-type-unsupported': { status: 415, title: 'The media type is not supported', cure: 'Send application/json.' },
  'request-malformed': { status: 400, title: 'The request is not valid HTTP', cure: 'Correct the request and resend.' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive', cure: 'Send again, or send less.' },
  'headers-too-large': { status: 431, title: 'The headers are too large', cure: 'Send fewer and shorter headers.' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here', cure: 'See the Allow header.' },
  'control-invalid': { status: 400, title: 'The control cannot take this', cure: 'Send a value within the range.' },
  'page-busy': { status: 503, title: 'Too many pages are open', cure: 'Close some, or try again later.' },
  unauthorized: { status: 401, title: 'A token is needed', cure: 'Send Authorization: Bearer TOKEN.' },
  forbidden: { status: 403, title: 'This is not allowed', cure: 'Use a token with the scope that is named.' },
  'rate-limited': { status: 429, title: 'Too many requests', cure: 'Send again after Retry-After seconds.' },
  'access-required': {
    status: 500,
    title: 'The door would be open to everyone',
    cure: 'Make a token (gapline tokens add NAME), set GAPLINE_TOKEN, or listen on 127.0.0.1.',
  },
  'not-found': { status: 404, title: 'There is nothing at this address', cure: 'See /openapi.json for what there is.' },
  'log-unavailable': {
    status: 503,
    title: 'The log cannot take readings',
    cure: 'Check that it runs and can be reached; devices send again after Retry-After seconds.',
  },
  overloaded: {
    status: 503,
    title: 'There is no room for more readings now',
    cure: 'Send again after Retry-After seconds.',
  },
  'spool-full': {
    status: 503,
    title: 'The log is away and the spool is full',
    cure: 'Bring the log back, or raise the bound of the spool.',
  },
  'spool-unusable': {
    status: 500,
    title: 'The spool cannot be used',
    cure: 'Check its file, its disk, and that no other collector uses it.',
  },
  'log-corrupt': { status: 500, title: 'The log cannot be read', cure: 'Restore it from a back-up.' },
  'topic-mismatch': {
    status: 500,
    title: 'A topic differs from the configuration',
    cure: 'Recreate it, or change the key.',
  },
  'group-active': {
    status: 409,
    title: 'The group is at work',
    cure: 'Stop every process of its stage, then do it again; one that died counts for some ten seconds more.',
  },
  'store-unavailable': {
    status: 503,
    title: 'The store does not answer',
    cure: 'Check its address, token and bucket.',
  },
  'store-refused': {
    status: 503,
    title: 'The store refuses what it is asked',
    cure: 'Give it a token that may write and read, and a bucket that exists.',
  },
  'collector-refused': {
    status: 500,
    title: 'The collector refuses the readings',
    cure: 'Correct what its answer names, then start again: it goes on where it was.',
  },
  'model-invalid': { status: 500, title: 'The model cannot be used', cure: 'Train or import it again.' },
  'model-refused': {
    status: 409,
    title: 'The version is not better than the one that serves',
    cure: 'Train another, or promote it without --if.',
  },
  'model-missing': { status: 500, title: 'There is no such model', cure: 'Train one: gapline train --config …' },
  'model-unavailable': {
    status: 503,
    title: 'The model server does not answer as it should',
    cure: 'Check its address and its model; labelling goes on when it is back.',
  },
  'port-in-use': { status: 500, title: 'The port is in use', cure: 'Choose another port, or 0 for any free one.' },
  internal: { status: 500, title: 'Something unforeseen went wrong', cure: 'Report it with the log line.' },
} as const satisfies Record<string, { status: number; title: string; cure: string }>;

export type ErrorCode = keyof typeof errorCatalog;

export interface GaplineErrorOptions {
  cause?: unknown;
  /** Whether trying the same again may help. Undefined where that is unclear: the log then tries a bounded number of times. */
  retryable?: boolean;
}

/** An error with a code of the catalog, a detail for people, and its own answer to "shall I try again?". */
export class GaplineError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean | undefined;

  constructor(code: ErrorCode, detail: string, options: GaplineErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GaplineError';
    this.code = code;
    this.retryable = options.retryable;
  }
}

/** What an error itself says of a retry; undefined for errors that do not say. */
export function isRetryable(error: unknown): boolean | undefined {
  return error instanceof Error && 'retryable' in error && typeof error.retryable === 'boolean'
    ? error.retryable
    : undefined;
}

/** A line that is longer is cut in its middle. */
const mostCharacters = 2_000;

/** The message of anything thrown, with its causes, on one line: without control characters, and short enough to be read. */
export function describeError(error: unknown): string {
  return oneLine(messageOf(error));
}

/** Foreign text as one line that no terminal takes for commands, cut in its middle where it is too long to be read. */
export function oneLine(text: string): string {
  const line = text
    .replaceAll(/\s*[\n\u2028\u2029]\s*/g, ' ')
    .replaceAll('\t', ' ')
    .replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (line.length <= mostCharacters) return line;
  return `${line.slice(0, mostCharacters - 500).toWellFormed()} … ${line.slice(-490).toWellFormed()}`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : messageOf(error.cause);
  // Many libraries repeat the cause in their own message.
  return error.message.includes(cause) ? error.message : `${error.message} (${cause})`;
}
