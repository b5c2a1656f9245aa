import { printable } from './printable.ts';

/**
 * Every error that a person can meet, by its code. The list is closed: documentation and tests are held to it both ways.
 * `status` is what an HTTP endpoint responds with; `cause` is how it comes about, `remedy` what to do next.
 */
export const errorCatalog = {
  'config-invalid': {
    status: 500,
    title: 'The configuration is not valid',
    cause:
      'A key of stream.yaml, an option, a variable of the environment or a file that one of them names is missing or wrong.',
    remedy: 'Correct what is named.',
  },
  'data-invalid': {
    status: 400,
    title: 'The data set cannot be used',
    cause:
      'A file of the table cannot be read, a column that is named is not there, a cell contradicts how the rest is written, or the labels are none that can be learnt.',
    remedy: 'Correct what is named.',
  },
  'fact-invalid': {
    status: 400,
    title: 'A fact is invalid',
    cause: 'A fact breaks the rules that the response names by place; nothing of the request was taken.',
    remedy: 'Correct it, or name its kind and values under facts in stream.yaml; then send the request again.',
  },
  'reading-invalid': {
    status: 400,
    title: 'The request holds invalid readings',
    cause:
      'A value is no number, a name is not known to the stream, a time is missing, too far ahead or of another unit, a reading stands in it twice, or a line holds no value that the stream knows.',
    remedy: 'Correct each place and resend.',
  },
  'body-malformed': {
    status: 400,
    title: 'The body cannot be parsed',
    cause: 'The body is cut off, is not the format that its Content-Type says, or is not UTF-8.',
    remedy: 'Send JSON, NDJSON or line protocol.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    cause: 'It is over 10 MB after decompression, or holds more than 10,000 readings.',
    remedy: 'Send fewer readings in one request.',
  },
  'media-type-unsupported': {
    status: 415,
    title: 'The media type is not supported',
    cause: 'Content-Type or Content-Encoding is one that this path does not accept.',
    remedy: 'Send application/json.',
  },
  'request-malformed': {
    status: 400,
    title: 'The request is not valid HTTP',
    cause: 'The bytes are not HTTP, or the path cannot be decoded.',
    remedy: 'Correct the request and resend.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request took too long to arrive',
    cause: 'The sender stopped or was too slow in the middle of a request.',
    remedy: 'Send again, or send less.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The headers are too large',
    cause: 'The headers of the request are over 16 KB together.',
    remedy: 'Send fewer and shorter headers.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The method is not allowed here',
    cause: 'The path exists, but not for this method.',
    remedy: 'See the Allow header.',
  },
  'control-invalid': {
    status: 400,
    title: 'The control cannot take this',
    cause:
      "One of the page's controls was sent a number outside its range, or a version of the model that it does not offer.",
    remedy: 'Send one of the values that are named.',
  },
  'query-invalid': {
    status: 400,
    title: 'A parameter of the address is wrong',
    cause: 'The part of the address behind the question mark has a value that cannot be meant.',
    remedy: 'Correct the parameter that is named.',
  },
  'page-busy': {
    status: 503,
    title: 'Too many pages or readers',
    cause: 'One process serves a limited number of live pages and readers of predictions, and all of them are open.',
    remedy: 'Close some, or try again later.',
  },
  unauthorized: {
    status: 401,
    title: 'A token is needed',
    cause: 'The request carries no token, or one that was never made or is revoked.',
    remedy: 'Send Authorization: Bearer TOKEN.',
  },
  forbidden: {
    status: 403,
    title: 'This is not allowed',
    cause:
      "The token lacks the scope; or the request came from a page of another site, or by a name that is not this machine's.",
    remedy: 'Use a token with the scope that is named.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests',
    cause: 'A token or an address sent more requests in a minute than the server allows, or too many wrong tokens.',
    remedy: 'Send again after Retry-After seconds.',
  },
  'access-required': {
    status: 500,
    title: 'The server would be open to everyone',
    cause: 'The server would listen on an address that other machines reach, and no token was ever made.',
    remedy: 'Make a token (gapline tokens add NAME), set GAPLINE_TOKEN, or listen on 127.0.0.1.',
  },
  'request-invalid': {
    status: 400,
    title: 'The request does not fit its schema',
    cause: 'A field of the body, a parameter of the address or a part of the path is missing, unknown or out of range.',
    remedy: 'Correct each place that is named; /openapi.json has the schema.',
  },
  'name-taken': {
    status: 400,
    title: 'There is a user of this name',
    cause: 'Somebody registered with this name, in upper or lower case.',
    remedy: 'Choose another name.',
  },
  'credentials-invalid': {
    status: 401,
    title: 'Name, password or code is wrong',
    cause: 'No enabled user has this name and password, or the one-time code is wrong, used or expired.',
    remedy: 'Correct it; an administrator can give a one-time code for a new password.',
  },
  'session-ended': {
    status: 401,
    title: 'The session is over',
    cause:
      'The access token is expired, forged or revoked; or a refresh token was sent a second time, which ends its session.',
    remedy: 'Use the refresh token once, or sign in again at /auth/jwt/login.',
  },
  'registration-closed': {
    status: 403,
    title: 'Nobody may register',
    cause: 'The gateway takes users from its administrators only.',
    remedy: 'Ask an administrator; `gateway.registration: open` in stream.yaml lets everybody register.',
  },
  'right-missing': {
    status: 403,
    title: 'Your roles do not allow this',
    cause: 'None of the roles that the user has for this stream includes the permission.',
    remedy: 'Ask an administrator for the role; docs/gateway.md lists what each one may do.',
  },
  'sign-in-delayed': {
    status: 429,
    title: 'Too many wrong passwords',
    cause: 'Several wrong passwords or codes came for this user; each further one doubles the delay.',
    remedy: 'Try again after Retry-After seconds.',
  },
  'hashing-busy': {
    status: 429,
    title: 'Too many people sign in at once',
    cause: 'A password takes a tenth of a second of a core to check, and as many wait as are allowed.',
    remedy: 'Try again after Retry-After seconds.',
  },
  'task-ended': {
    status: 409,
    title: 'The task is over',
    cause: 'A task that is done, failed or cancelled cannot be cancelled.',
    remedy: 'Look at its state; start another task.',
  },
  'generator-unavailable': {
    status: 503,
    title: 'The generator does not respond as it should',
    cause: 'It does not run, or gateway.generator in stream.yaml is not the address of its control endpoint.',
    remedy: 'Start gapline generate with --control-port, and look at its log.',
  },
  'tasks-full': {
    status: 503,
    title: 'Too many tasks wait',
    cause: 'As many tasks are queued as the gateway keeps.',
    remedy: 'Try again after Retry-After seconds, or cancel some.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address',
    cause: 'The path of the request, or the id in it, does not exist.',
    remedy: 'See /openapi.json for the paths.',
  },
  'log-unavailable': {
    status: 503,
    title: 'The log cannot take readings',
    cause:
      'Kafka is not started, cannot be reached or denies this client access; or the file of the embedded log is locked or on a full disk.',
    remedy: 'Check that it runs and can be reached; devices send again after Retry-After seconds.',
  },
  overloaded: {
    status: 503,
    title: 'The collector is overloaded',
    cause: 'Readings arrive faster than they become durable, and the memory for those that wait is full.',
    remedy: 'Send again after Retry-After seconds.',
  },
  'spool-full': {
    status: 503,
    title: 'The log is unavailable and the spool is full',
    cause: 'Kafka was unavailable for so long that the spool has reached its bound or its disk is full.',
    remedy: 'Bring the log back, or raise the bound of the spool.',
  },
  'spool-unusable': {
    status: 500,
    title: 'The spool cannot be used',
    cause: 'Its file is damaged or not a spool, the disk is full or read-only, or another collector has it open.',
    remedy: 'Check its file, its disk, and that no other collector uses it.',
  },
  'journal-unusable': {
    status: 500,
    title: 'The journal cannot be used',
    cause: 'Its disk is full or read-only, or fails.',
    remedy: 'Check its file and its disk; or leave out `collector.acknowledge: disk`.',
  },
  'log-corrupt': {
    status: 500,
    title: 'The log cannot be read',
    cause: 'The file is not a log, or the disk has damaged it.',
    remedy: 'Restore it from a back-up.',
  },
  'topic-mismatch': {
    status: 500,
    title: 'A topic differs from the configuration',
    cause:
      'A topic has fewer partitions than log.partitions asks for, or is not there, or inputs that belong together differ.',
    remedy: 'Start a stage, which makes topics that are missing; else recreate the topic, or change the key.',
  },
  'group-active': {
    status: 409,
    title: 'The group is at work',
    cause: 'A group can be set back only while nobody is in it.',
    remedy: 'Stop every process of its stage, then do it again; one that died counts for some ten seconds more.',
  },
  'schedule-active': {
    status: 409,
    title: 'The schedule is at work already',
    cause: 'Another `gapline schedule` of this name runs on the same state.',
    remedy: 'Stop the other one, or give this one another name with --name.',
  },
  'store-unavailable': {
    status: 503,
    title: 'The store does not answer',
    cause: 'InfluxDB is not started, cannot be reached or is overloaded; or the file of the embedded store is locked.',
    remedy: 'Check its address, token and bucket.',
  },
  'store-refused': {
    status: 503,
    title: 'The store refuses the request',
    cause: 'The token of InfluxDB is wrong or may not do this, or organisation or bucket are not there.',
    remedy: 'Give it a token that may write and read, and a bucket that exists.',
  },
  'storage-unavailable': {
    status: 503,
    title: 'The object storage does not respond',
    cause: 'It is not started, cannot be reached, is overloaded or fails.',
    remedy:
      'Check AWS_ENDPOINT_URL and that it runs, then do the same again: what was written before is not written twice.',
  },
  'storage-refused': {
    status: 502,
    title: 'The object storage refuses the request',
    cause: 'The keys are wrong or may not do this, the bucket is not there or in another region, or the clocks differ.',
    remedy: 'Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and the rules of the bucket.',
  },
  'collector-refused': {
    status: 500,
    title: 'The collector refuses the readings',
    cause: 'The generator sends what the collector will never take: no token, or values that the stream does not know.',
    remedy: 'Correct what its answer names, then start again: it continues where it was.',
  },
  'webhook-refused': {
    status: 503,
    title: 'A webhook does not take alerts',
    cause:
      'It cannot be reached, responds with an error or a redirect, or is at a private address that is not allowed.',
    remedy: 'Check its address and secret with gapline alerts test; alerts wait in the log and are sent again.',
  },
  'model-invalid': {
    status: 500,
    title: 'The model cannot be used',
    cause:
      'A file of the version is missing, damaged or of another format, or its self-test gives other labels than when it was made.',
    remedy: 'Train or import it again.',
  },
  'model-refused': {
    status: 409,
    title: 'The version is not better than the one that serves',
    cause:
      '`gapline models promote --if` compared both on the data to replay or the export of --data, or with --since on what both labelled in the line; or the line has labelled too little with both.',
    remedy: 'Train another, let it label in the shadow for longer, or promote it without --if.',
  },
  'device-unknown': {
    status: 404,
    title: 'The device is not known',
    cause: 'No reading of the device that the request names has reached the model server, or it is forgotten.',
    remedy: 'Check the name of the device, and that its readings arrive: gapline tail.',
  },
  'fact-missing': {
    status: 409,
    title: 'No fact covers this time',
    cause: 'The model predicts only where a fact of the device holds, and none of this kind holds at the time.',
    remedy: 'See gapline facts list; tell the fact that is missing, or ask for a time that one covers.',
  },
  'row-missing': {
    status: 409,
    title: 'The state gives no row for this time',
    cause:
      'The time is before the last reading of the device, or the steps of the model give a row only of measured values.',
    remedy: 'Ask for a later time or for none, or send the values of the row.',
  },
  'state-restoring': {
    status: 503,
    title: 'The state is not restored yet',
    cause: 'The model server has just started, another version serves, or the log cannot be read.',
    remedy: 'Send again after Retry-After seconds.',
  },
  'model-missing': {
    status: 500,
    title: 'There is no such model',
    cause: 'There is no version of this name or number, or no alias points to one.',
    remedy: 'Train one: gapline train --config …',
  },
  'model-unavailable': {
    status: 503,
    title: 'The model server does not answer as it should',
    cause: 'The model server is unavailable, too slow, or returns something else than predictions.',
    remedy: 'Check its address and its model; labelling continues when it is back.',
  },
  'registry-unavailable': {
    status: 503,
    title: 'The model registry does not respond',
    cause: 'MLflow is not started, cannot be reached, or fails.',
    remedy: 'Check model.url and that MLflow runs; a line continues with the version that it has, and looks again.',
  },
  'registry-refused': {
    status: 502,
    title: 'The model registry refuses the request',
    cause:
      'The user or token of MLflow is wrong or may not do this, its address is not that of an MLflow server, or it keeps artifacts where it does not serve them.',
    remedy:
      'Check model.url, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD or MLFLOW_TRACKING_TOKEN; start MLflow with --serve-artifacts.',
  },
  'no-answer': {
    status: 503,
    title: 'There is no answer',
    cause: 'The server accepts or drops connections, and does not respond.',
    remedy: 'Check that it runs, and its address.',
  },
  'disk-full': {
    status: 503,
    title: 'The disk is full',
    cause:
      "The file system under --data has little room left: the log's retention is larger than the disk, or something else fills it.",
    remedy: 'Make room, or choose another folder with --data.',
  },
  'file-unusable': {
    status: 500,
    title: 'A file or folder cannot be used',
    cause:
      'A folder is read-only or denies access, a file stands where a folder should be or the other way round, or a file is none that can be read whole: a device, a pipe, or larger than it may be.',
    remedy: 'Correct its rights, or choose another folder (--data, or the key that names it).',
  },
  'clock-skewed': {
    status: 500,
    title: 'The clocks differ',
    cause: 'The clock of this machine and that of the store differ.',
    remedy: 'Set both by NTP, or readings land at the wrong time.',
  },
  'port-in-use': {
    status: 500,
    title: 'The port is in use',
    cause: 'Another program listens there, often a Gapline that still runs; or the address is not one of this machine.',
    remedy: 'Choose another port, or 0 for any free one.',
  },
  internal: {
    status: 500,
    title: 'Something unforeseen went wrong',
    cause: 'A defect of Gapline, or a machine that does what nobody foresaw.',
    remedy: 'Report it with the log line.',
  },
} as const satisfies Record<string, { status: number; title: string; cause: string; remedy: string }>;

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

/** Whether an error itself states that a retry may help; undefined for errors that do not state it. */
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

/** What is wrong, what to do, and the code, for a person. */
export function describeWithRemedy(error: unknown, code: ErrorCode): string {
  const what = describeError(error);
  return `${what}${/[.?!]$/.test(what) ? '' : '.'} ${errorCatalog[code].remedy} [${code}]`;
}

/** Foreign text as one line that no terminal takes for commands, cut in its middle where it is too long to be read. */
export function oneLine(text: string): string {
  const line = printable(
    text.replaceAll(/\s+/g, (space) => (/[\n\u2028\u2029]/.test(space) ? ' ' : space)).replaceAll('\t', ' '),
  );
  if (line.length <= mostCharacters) return line;
  return `${line.slice(0, mostCharacters - 500).toWellFormed()} … ${line.slice(-490).toWellFormed()}`;
}

/** Causes of causes are told so far; an error may even be its own cause. */
const deepestCause = 8;

function messageOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const own = validatorMessage(error) ?? (error.message || withoutMessage(error, depth));
  const cause = error.cause === undefined || depth === deepestCause ? '' : messageOf(error.cause, depth + 1);
  // Many libraries repeat the cause in their own message.
  return own.includes(cause) ? own : `${own} (${cause})`;
}

/** The message of a validator is a dump of all that it found; the first of that is enough, with its place. */
function validatorMessage(error: Error): string | undefined {
  const [first]: readonly unknown[] = 'issues' in error && Array.isArray(error.issues) ? error.issues : [];
  if (typeof first !== 'object' || first === null || !('path' in first) || !('message' in first)) return undefined;
  const place = Array.isArray(first.path) ? first.path.map(String).join('.') : '';
  return place === '' ? String(first.message) : `${place}: ${first.message}`;
}

/** Node gives no message where each of a host's addresses refused a connection: what they said is in `errors`. */
function withoutMessage(error: Error, depth: number): string {
  const all = error instanceof AggregateError && depth < deepestCause ? error.errors : [];
  return [...new Set(all.map((each) => messageOf(each, depth + 1)))].join('; ') || error.name;
}
