import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errorCatalog } from '../wire/errors.ts';
import { problemOf, problemType } from '../wire/problem.ts';

/** A request that is being handled, and its response. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Responds to a request that Node's parser could not read with problem details (RFC 9457), and closes the connection.
 * @param exchanges those of the connection that have no whole response yet, in order. Complete requests get their own responses first; the
 *   broken one is among them where its headers could be read.
 */
export function answerBrokenRequest(
  error: NodeJS.ErrnoException,
  socket: Socket,
  exchanges: readonly Exchange[] = [],
): void {
  const before = exchanges.findLast(({ request }) => request.complete);
  const broken = exchanges.find(({ request }) => !request.complete);
  if (before === undefined) respond(error, socket, broken);
  else before.response.once('close', () => respond(error, socket, broken));
}

function respond(error: NodeJS.ErrnoException, socket: Socket, broken: Exchange | undefined): void {
  if (!socket.writable || broken?.response.headersSent) return void socket.destroy();
  const code = codes[error.code ?? ''] ?? 'request-malformed';
  const { status, title } = errorCatalog[code];
  const body = JSON.stringify(problemOf(code, error.code === undefined ? title : `${title} (${error.code})`));
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${problemType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/** Node's code of the error → ours. */
const codes: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};
