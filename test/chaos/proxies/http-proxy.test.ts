import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { Witness } from '../witness.ts';
import { HttpProxy, type Mood } from './http-proxy.ts';

/** A collector that takes everything, and a proxy in front of it. */
async function open() {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    seen.push(await text(request));
    response.writeHead(202).end(JSON.stringify({ accepted: 1, filling: 'x'.repeat(10_000) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const witness = new Witness();
  const proxy = new HttpProxy({
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived: (body) => witness.arrived(body),
    passed: (passed) => witness.passed(passed),
  });
  await proxy.start();
  onTestFinished(async () => {
    await proxy.stop();
    server.close();
  });
  const post = async (time: string): Promise<number | 'broken'> => {
    try {
      const body = JSON.stringify({ device: 'a', time });
      const answer = await fetch(`${proxy.url}/readings`, { method: 'POST', body });
      await answer.text();
      return answer.status;
    } catch {
      return 'broken';
    }
  };
  const be = (mood: Mood): void => {
    proxy.mood = () => mood;
  };
  return { proxy, be, post, seen, witness };
}

test('a calm proxy changes nothing, and the witness knows what was acknowledged', async () => {
  const { post, seen, witness } = await open();
  expect(await post('1')).toBe(202);
  expect(seen).toEqual(['{"device":"a","time":"1"}']);
  expect([...witness.acknowledged]).toEqual(['a 1']);
  expect(witness.resent.size).toBe(0);
});

test('an answer of the proxy is seen by the server only where that is asked for', async () => {
  const { be, post, seen, witness } = await open();
  be({ way: 'pass', answer: { status: 503, retryAfterS: 1 } });
  expect(await post('1')).toBe(503);
  expect(seen).toEqual([]);
  be({ way: 'pass', answer: { status: 500, seen: true } });
  expect(await post('2')).toBe(500);
  expect(seen.length).toBe(1);
  expect([...witness.acknowledged]).toEqual(['a 2']);
});

test('an answer that breaks off is none, though the server acted; one who sends again is counted', async () => {
  const { proxy, be, post, seen, witness } = await open();
  be({ way: 'refuse' });
  expect(await post('1')).toBe('broken');
  expect(seen).toEqual([]);
  be({ way: 'half' });
  expect(await post('1')).toBe('broken');
  expect(seen.length).toBe(1);
  expect(witness.resent.size).toBe(0);
  proxy.calm();
  expect(await post('1')).toBe(202);
  expect([...witness.resent]).toEqual([['a 1', 1]]);
});

test('an answer without a body breaks off, too, and a request without a length arrives whole', async () => {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    seen.push(await text(request));
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = new HttpProxy({ target: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await proxy.start();
  onTestFinished(async () => {
    await proxy.stop();
    server.close();
  });
  const write = () => fetch(proxy.url, { method: 'POST', body: new Blob(['m a=1']).stream(), duplex: 'half' });
  expect((await write()).status).toBe(204);
  proxy.mood = () => ({ way: 'half' });
  await expect(write()).rejects.toThrow();
  expect(seen).toEqual(['m a=1', 'm a=1']);
});

test('one who sends again after a clear refusal makes no extra record', () => {
  const witness = new Witness();
  const body = Buffer.from('{"device":"a","time":"1"}\n{"device":"b","time":"1"}');
  witness.arrived(body);
  witness.passed({ body, status: 503 });
  witness.arrived(body);
  witness.passed({ body, status: undefined });
  witness.arrived(body);
  witness.passed({ body, status: 202 });
  expect([...witness.resent]).toEqual([
    ['a 1', 1],
    ['b 1', 1],
  ]);
  expect([...witness.acknowledged]).toEqual(['a 1', 'b 1']);
});
