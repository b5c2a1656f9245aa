import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** A POST that came whole in one read of its connection. */
export interface WholeRequest {
  readonly url: string;
  /** By name in lower case; none came twice. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly socket: Socket;
}

/** What stands before a body. */
interface Head {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly contentLength: number;
}

const endOfHead = '\r\n\r\n';
const longestHead = 8_000;
/** Heads that were read already: a device sends the same few again and again. A longer one is read anew each time. */
const known = new Map<string, Head>();
const longestKnown = 1_000;
const mostKnown = 500;

/** Of a request, what came before the rest of its body. */
export interface BegunRequest {
  /** Bytes that are still to come. */
  readonly missing: number;
}

/**
 * The request, where the bytes are exactly one POST of HTTP/1.1 (RFC 9112) that keeps its connection open and has a `Content-Length`;
 * or how much of its body is missing. Anything else is undefined, be it wrong, unusual or not there yet: node:http knows what to do with
 * it. So this has to be stricter than node:http in every point, and need not be complete.
 */
export function wholeRequest(bytes: Buffer, socket: Socket): WholeRequest | BegunRequest | undefined {
  const end = bytes.indexOf(endOfHead);
  if (end < 0 || end > longestHead) return undefined;
  const head = headOf(bytes.toString('latin1', 0, end));
  if (head === undefined) return undefined;
  const start = end + endOfHead.length;
  const missing = head.contentLength - (bytes.length - start);
  if (missing > 0) return { missing };
  return missing < 0 ? undefined : { url: head.url, headers: head.headers, body: bytes.subarray(start), socket };
}

function headOf(text: string): Head | undefined {
  const found = known.get(text);
  if (found !== undefined) return found;
  const head = parseHead(text);
  // Of a token only hashes are kept anywhere.
  if (head === undefined || head.headers.authorization !== undefined || head.headers.cookie !== undefined) return head;
  if (known.size >= mostKnown) known.clear();
  if (text.length <= longestKnown) known.set(text, head);
  return head;
}

/** Of the fields' content, only visible ASCII and blanks (RFC 9110, 5.5, without obs-text). No two parts of it match the same. */
const line = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*((?:[!-~][\t -~]*)?)$/;
const requestLine = /^POST (\/[!"$-~]*) HTTP\/1\.1$/;
const digits = /^\d{1,8}$/;
/** Of requests with these, the connection or the body are treated in another way. */
const unusual = [
  ...['transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'http2-settings'],
  ...['keep-alive', 'proxy-connection'],
];
/** Of one request; devices send a dozen. */
const mostHeaders = 100;

function parseHead(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const url = requestLine.exec(first)?.[1];
  const headers = lines.length <= mostHeaders ? headersOf(lines) : undefined;
  if (url === undefined || headers === undefined || headers.host === undefined) return undefined;
  if (unusual.some((name) => headers[name] !== undefined)) return undefined;
  if (headers.connection !== undefined && headers.connection.toLowerCase() !== 'keep-alive') return undefined;
  const length = headers['content-length'];
  if (length === undefined || !digits.test(length)) return undefined;
  return { url, headers, contentLength: Number(length) };
}

function headersOf(lines: readonly string[]): IncomingHttpHeaders | undefined {
  const headers = Object.create(null) as Record<string, string>;
  for (const text of lines) {
    const [, name, value] = line.exec(text) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    // Node keeps none of the latter.
    if (key in headers || key === '__proto__') return undefined;
    headers[key] = value.trimEnd();
  }
  return Object.freeze(headers);
}
