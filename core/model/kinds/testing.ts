import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a model server of a test was asked, and how it is to answer. */
export type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void | Promise<void>;

export interface TestServer {
  readonly url: string;
  /** Bodies that came, in order. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** A server on loopback that answers as a test says. */
export async function startServer(handler: Handler): Promise<TestServer> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    asked.push(body);
    await handler(request, body, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers with JSON. */
export function answer(response: ServerResponse, json: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

/** The rows that an Open Inference Protocol request holds, with NaN for null. */
export function rowsOfV2(body: string): { values: Float64Array; count: number; width: number } {
  const { shape, data } = JSON.parse(body).inputs[0] as { shape: [number, number]; data: (number | null)[] };
  return { values: Float64Array.from(data, (value) => value ?? Number.NaN), count: shape[0], width: shape[1] };
}
