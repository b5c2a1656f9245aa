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
 * @param before the request before it on the same connection: if that one is complete, it gets its own response first
 */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, before: Exchange | undefined): void {
  if (before?.request.complete) {
    before.response.once('close', () => socket.destroy());
    return;
  }
  if (!socket.writable || before?.response.headersSent) return void socket.destroy();
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
