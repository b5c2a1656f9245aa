import { connect, type Socket } from 'node:net';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exchange, startCollector, type TestCollector, until } from '../../collector/testing.ts';

let started: TestCollector;
beforeAll(async () => {
  started = await startCollector({ headersTimeoutMs: 1_000, requestTimeoutMs: 2_000 });
});
afterAll(() => started.stop());

const json = { 'content-type': 'application/json' };
const reading = (device: string, time = 1): string =>
  JSON.stringify({ device, time: String(1_700_000_000_000_000_000n + BigInt(time)), values: { a: 1 } });

async function healthy(): Promise<void> {
  expect((await fetch(`${started.collector.url}/health`, { signal: AbortSignal.timeout(15_000) })).status).toBe(200);
}

function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json): Promise<Response> {
  return fetch(`${started.collector.url}/readings`, { method: 'POST', body, headers });
}

function open(): Promise<Socket> {
  const { hostname, port } = new URL(started.collector.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => resolve(socket));
    socket.on('error', reject);
  });
}

test('senders that never finish their headers or their body are answered 408 and cut off, the others served', async () => {
  const head = 'POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const beginnings = [
    head,
    `${head}content-length: 1000\r\n\r\n{`,
    `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"dev`,
    '',
  ];
  const slow = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const socket = await open();
      socket.removeAllListeners('error');
      socket.on('error', () => {});
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk) => {
        answer += chunk;
      });
      socket.write(beginnings[index % beginnings.length]!);
      const drip = setInterval(
        () => socket.writable && socket.write(index % 4 === 0 ? 'x: y\r\n' : index % 4 === 2 ? '' : ' '),
        50,
      );
      const ended = new Promise<string>((resolve) => {
        socket.on('close', () => {
          clearInterval(drip);
          resolve(answer);
        });
      });
      return { ended };
    }),
  );
  await healthy();
  expect((await post(reading('meanwhile'))).status).toBe(202);
  const answers = await Promise.all(slow.map(({ ended }) => ended));
  expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 408')).length).toBeGreaterThanOrEqual(50);
  await healthy();
});

test('connections that are opened and left, or broken in the middle, cost nothing', async () => {
  const sockets = await Promise.all(Array.from({ length: 200 }, open));
  sockets.forEach((socket, index) => {
    if (index % 2 === 0)
      socket.write(
        'POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"d',
      );
    if (index % 4 === 0) socket.resetAndDestroy();
    else socket.destroy();
  });
  await healthy();
  const waiting = async () =>
    Number(/gapline_collector_waiting_bytes (\d+)/.exec(await started.registry.metrics())?.[1]);
  await until(waiting, (bytes) => bytes === 0);
});

test('a thousand requests in one write are answered one by one', async () => {
  const body = '[]';
  const one = `POST /readings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const last = 'GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';
  const answer = await exchange(started.collector.url, one.repeat(1_000) + last);
  expect(answer.split('HTTP/1.1 202').length - 1).toBe(1_000);
  expect(answer).toContain('"status":"pass"');
});

test('headers beyond what is read are 431, whether few and long or many and short', async () => {
  for (const headers of [`x: ${'y'.repeat(50_000)}\r\n`, 'x: y\r\n'.repeat(20_000)]) {
    const answer = await exchange(started.collector.url, `GET /health HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  }
  await healthy();
});

test('bombs are stopped at the limit, whatever they would become', async () => {
  const bomb = await gzipOfZeros(200);
  const answer = await post(new Uint8Array(bomb), { ...json, 'content-encoding': 'gzip' });
  expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'body-too-large' }]);
  const twice = await post(new Uint8Array(gzipSync(bomb)), { ...json, 'content-encoding': 'gzip, gzip' });
  expect(twice.status).toBe(415);
  const lines = await post(new Uint8Array(gzipSync('{}\n'.repeat(3_000_000))), {
    'content-type': 'application/x-ndjson',
    'content-encoding': 'gzip',
  });
  expect(lines.status).toBe(413);
  const nested = await post('[['.repeat(2_500_000) + ']]'.repeat(2_500_000));
  expect(nested.status).toBe(400);
  const hollow = await post(`[${'[],'.repeat(3_000_000)}[]]`);
  expect(hollow.status).toBe(413);
  await healthy();
});

test('names, keys and numbers of megabytes are refused, and not sent back', async () => {
  const huge = 'x'.repeat(9_000_000);
  const bodies = [
    reading(huge),
    reading('d').replace('"a"', `"${huge}"`),
    reading('d').replace('"values"', `"${huge}":1,"values"`),
    reading('d').replace(':1}', `:${'9'.repeat(9_000_000)}}`),
    reading('d').replace(/"17\d+"/, `"${'1'.repeat(9_000_000)}"`),
    huge,
  ];
  for (const body of bodies) {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect((await answer.text()).length).toBeLessThan(2_000);
  }
  const line = await fetch(`${started.collector.url}/api/v2/write`, { method: 'POST', body: `m,device=${huge} a=1` });
  expect(line.status).toBe(400);
  expect((await line.text()).length).toBeLessThan(2_000);
  await healthy();
});

test('prototypes stay as they were', async () => {
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    await post(`{"device":"d","time":"1","values":{},"${key}":{"polluted":true}}`);
    await post(`{"device":"d","time":"1","values":{"${key}":{"polluted":1}}}`);
    await fetch(`${started.collector.url}/readings?${key}[polluted]=1`, { method: 'POST', body: '{}', headers: json });
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  await healthy();
});

/** So many megabytes of zeros, compressed a thousandfold. */
async function gzipOfZeros(megabytes: number): Promise<Buffer<ArrayBuffer>> {
  const gzip = createGzip({ level: 1 });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const block = Buffer.alloc(1_000_000);
  for (let index = 0; index < megabytes; index += 1) {
    if (!gzip.write(block)) await new Promise((resolve) => gzip.once('drain', resolve));
  }
  gzip.end();
  await new Promise((resolve) => gzip.once('end', resolve));
  return Buffer.concat(chunks);
}
