import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { patchConnections } from './patch-connections.ts';

const require = createRequire(import.meta.url);
const Encoder = require('kafkajs/src/protocol/encoder') as new () => object;
const requestTimeoutMs = 1_000;
const answerBytes = 1_000;

interface Connection {
  connect(): Promise<true>;
  disconnect(): Promise<true>;
  isConnected(): boolean;
  send(request: { request: object; response: object }): Promise<{ size: number }>;
}

/** Answers each request with its correlation id and zeros; what a test makes of a request comes before that. */
let server: Server;
let sockets: Socket[];
let first: (socket: Socket, answer: Buffer) => boolean;

beforeEach(async () => {
  patchConnections();
  sockets = [];
  first = () => false;
  server = createServer((socket) => {
    sockets.push(socket);
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        for (let at = 0; at < bytes.length; at += 4 + bytes.readInt32BE(at)) {
          const answer = Buffer.alloc(4 + answerBytes);
          answer.writeInt32BE(answerBytes, 0);
          bytes.copy(answer, 4, at + 8, at + 12);
          if (!first(socket, answer)) socket.write(answer);
        }
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

function open(): Connection {
  const silent = () => {};
  const logger: object = { namespace: () => logger, debug: silent, info: silent, warn: silent, error: silent };
  return new (require('kafkajs/src/network/connection') as new (options: object) => Connection)({
    ...{ host: '127.0.0.1', port: (server.address() as AddressInfo).port, logger },
    ...{ requestTimeout: requestTimeoutMs, connectionTimeout: 5_000 },
    socketFactory: ({ host, port, onConnect }: { host: string; port: number; onConnect: () => void }) =>
      connect({ host, port }, onConnect),
  });
}

async function ask(connection: Connection): Promise<number> {
  if (!connection.isConnected()) await connection.connect();
  const { size } = await connection.send({
    request: { apiKey: 3, apiVersion: 0, apiName: 'Metadata', encode: async () => new Encoder() },
    response: {
      decode: async (raw: Buffer) => ({ size: raw.length, clientSideThrottleTime: 0 }),
      parse: async (decoded: object) => decoded,
    },
  });
  return size;
}

test('a connection that broke off in the middle of an answer is answered again on the next one', async () => {
  // Longer than the answers after it, which would all count as its rest.
  first = (socket, answer) => {
    if (sockets.length > 1) return false;
    answer.writeInt32BE(1_000_000, 0);
    socket.write(answer.subarray(0, 500));
    setTimeout(() => socket.destroy(), 20);
    return true;
  };
  const connection = open();
  await expect(ask(connection)).rejects.toThrow();
  expect(await ask(connection)).toBe(answerBytes - 4);
  await connection.disconnect();
});

test('two requests that find no connection wait for the same one', async () => {
  const connection = open();
  expect(await Promise.all([ask(connection), ask(connection)])).toEqual([answerBytes - 4, answerBytes - 4]);
  expect(sockets).toHaveLength(1);
  await connection.disconnect();
});
