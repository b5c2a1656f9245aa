import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { KafkaProxy } from './kafka-proxy.ts';

const endTxn = 26;
const metadata = 3;
const heldMs = 300;
const eventually = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 15_000 });

/** Length, api key, api version, correlation id. */
function request(key: number, id: number): Buffer {
  const frame = Buffer.alloc(12);
  frame.writeInt32BE(8, 0);
  frame.writeInt16BE(key, 4);
  frame.writeInt32BE(id, 8);
  return frame;
}

/** A broker that answers each request with its correlation id, and a proxy in front of it. */
async function open() {
  const seen: number[] = [];
  const server = createServer((socket) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (bytes = Buffer.concat([bytes, chunk]); bytes.length >= 12; bytes = bytes.subarray(12)) {
        seen.push(bytes.readInt32BE(8));
        const answer = Buffer.alloc(8);
        answer.writeInt32BE(4, 0);
        bytes.copy(answer, 4, 8, 12);
        socket.write(answer);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = new KafkaProxy((server.address() as AddressInfo).port);
  await proxy.start();
  onTestFinished(async () => {
    await proxy.stop();
    server.close();
  });
  const client = async () => {
    const socket = connect(proxy.port, '127.0.0.1');
    const answers: number[] = [];
    let closed = false;
    socket
      .on('error', () => {})
      .on('close', () => {
        closed = true;
      });
    socket.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 8) answers.push(chunk.readInt32BE(at + 4));
    });
    await once(socket, 'connect');
    return { socket, answers, isClosed: () => closed };
  };
  return { proxy, client, seen };
}

test('requests pass whole, however they are cut up on the way', async () => {
  const { client, seen } = await open();
  const { socket, answers } = await client();
  const both = Buffer.concat([request(metadata, 1), request(endTxn, 2)]);
  for (const byte of both) socket.write(Buffer.from([byte]));
  await eventually(() => answers.length === 2);
  expect(seen).toEqual([1, 2]);
  expect(answers).toEqual([1, 2]);
});

test('the answer to a chosen request comes late, though the broker acted at once', async () => {
  const { proxy, client, seen } = await open();
  proxy.hold = { keys: [endTxn], what: 'answer', ms: heldMs, chosen: () => true };
  const { socket, answers } = await client();
  const sentMs = performance.now();
  socket.write(request(metadata, 1));
  socket.write(request(endTxn, 2));
  await eventually(() => seen.length === 2);
  await eventually(() => answers.length === 2);
  expect(performance.now() - sentMs).toBeGreaterThan(heldMs - 20);
  expect(proxy.held).toBe(1);
});

test('a request that is held reaches the broker also where its client has gone', async () => {
  const { proxy, client, seen } = await open();
  proxy.hold = { keys: [endTxn], what: 'request', ms: heldMs, chosen: () => true };
  const { socket } = await client();
  socket.write(request(endTxn, 7));
  await eventually(() => proxy.held === 1);
  socket.destroy();
  proxy.calm();
  expect(seen).toEqual([]);
  await eventually(() => seen.length === 1);
});

test('connections are cut, and no new ones taken, when that is asked for', async () => {
  const { proxy, client } = await open();
  const first = await client();
  first.socket.write(request(metadata, 1));
  await eventually(() => first.answers.length === 1);
  proxy.refusing = true;
  proxy.cut(() => true);
  await eventually(first.isClosed);
  const second = await client();
  await eventually(second.isClosed);
  proxy.calm();
  const third = await client();
  third.socket.write(request(metadata, 3));
  await eventually(() => third.answers.length === 1);
});
