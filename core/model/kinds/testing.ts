import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** How a model server of a test responds. */
export type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void | Promise<void>;

export interface TestServer {
  readonly url: string;
  /** Bodies that came, in order. */
  readonly bodies: string[];
  stop(): Promise<void>;
}

/** A server on loopback that responds as a test wants. */
export async function startServer(handler: Handler): Promise<TestServer> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    bodies.push(body);
    await handler(request, body, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Responds with JSON. */
export function respond(response: ServerResponse, json: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}

/** The rows that an Open Inference Protocol request holds, with NaN for null. */
export function rowsOfV2(body: string): { values: Float64Array; count: number; width: number } {
  const { shape, data } = JSON.parse(body).inputs[0] as { shape: [number, number]; data: (number | null)[] };
  return { values: Float64Array.from(data, (value) => value ?? Number.NaN), count: shape[0], width: shape[1] };
}
