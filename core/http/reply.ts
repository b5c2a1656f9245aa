import { type ServerResponse, STATUS_CODES } from 'node:http';

/** A whole response. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** Absent where the status has none. */
  readonly body?: string;
}

/** A reply whose length is told, so that head and body leave in one write. */
export function replyOf(
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string | number>> = {},
): Reply {
  return { status, headers: { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) }, body };
}

/** Sends it, unless something was sent already or the connection is gone. */
export function sendReply(response: ServerResponse, { status, headers, body }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, headers).end(body);
}

/** Of a connection that stays open, for how many seconds; undefined where it is closed after the reply. */
export type KeepAlive = number | undefined;

let dateMs = 0;
let date = '';
/** The last text. Small requests get the same reply again and again. */
let last: { readonly reply: Reply; readonly keepAliveS: KeepAlive; readonly text: string } | undefined;

/** The bytes of a reply, as text: those that node:http sends. */
export function replyText(reply: Reply, keepAliveS: KeepAlive): string {
  const nowMs = Date.now();
  if (nowMs - dateMs >= 1_000 || nowMs < dateMs) {
    dateMs = nowMs - (nowMs % 1_000);
    date = new Date(dateMs).toUTCString();
    last = undefined;
  }
  if (last?.reply !== reply || last.keepAliveS !== keepAliveS)
    last = { reply, keepAliveS, text: write(reply, keepAliveS) };
  return last.text;
}

function write({ status, headers, body = '' }: Reply, keepAliveS: KeepAlive): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
  const connection = keepAliveS === undefined ? 'close' : `keep-alive\r\nKeep-Alive: timeout=${keepAliveS}`;
  return `${text}Date: ${date}\r\nConnection: ${connection}\r\n\r\n${body}`;
}
