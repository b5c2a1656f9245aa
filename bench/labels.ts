// Clients of an embedded line: from POST to label in one request, and many open streams of predictions beside a steady load.
// npm run bench -- labels [--rate 100] [--load 500] [--streams 1000] [--seconds 20]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '100' },
    load: { type: 'string', default: '500' },
    streams: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
  },
});
const seconds = Number(options.seconds);
const root = join(import.meta.dirname, '..');

/** POSTs at a rate and returns how long each response took, in ms, in order of size. */
async function send(url: string, rate: number, query: string): Promise<number[]> {
  const took: number[] = [];
  const underWay: Promise<void>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < rate * seconds; index++) {
    const dueMs = startMs + (index * 1_000) / rate;
    await sleep(Math.max(0, dueMs - performance.now()));
    const body = JSON.stringify({
      device: `bench-${index % 100}`,
      time: `${BigInt(Date.now()) * 1_000_000n + BigInt(index % 1_000_000)}`,
      values: { word_freq_free: index % 3, word_freq_you: null },
    });
    // From when it was due: a sender that falls behind does not hide it.
    const post = fetch(`${url}/readings${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    underWay.push(
      post.then(async (response) => {
        await response.arrayBuffer();
        const wanted = query === '' ? 202 : 200;
        took.push(response.status === wanted ? performance.now() - dueMs : Number.POSITIVE_INFINITY);
      }),
    );
  }
  await Promise.all(underWay);
  return took.sort((a, b) => a - b);
}

/** Readers of all predictions; the count of bytes shows that they are served. */
async function openStreams(url: string, count: number) {
  const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
  const seen = { bytes: 0 };
  const open: IncomingMessage[] = [];
  for (let index = 0; index < count; index++) {
    const [response] = (await once(get(`${url}/predictions/stream`, { agent }), 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`stream ${index}: status ${response.statusCode}`);
    response.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
    });
    response.on('error', () => {});
    open.push(response);
  }
  return {
    seen,
    close() {
      for (const response of open) response.destroy();
    },
  };
}

const at = (sorted: readonly number[], share: number): string =>
  (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
const memoryMb = (pid: number): string =>
  (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024).toFixed(0);

const data = mkdtempSync(join(tmpdir(), 'gapline-bench-'));
const ports = ['--collector-port', '0', '--page-port', '0', '--no-generator', '--log-level', 'error'];
const line = spawn(
  process.execPath,
  [join(root, 'cli/main.ts'), 'up', '--config', 'examples/spambase/stream.yaml', '--data', data, ...ports],
  { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  let printed = '';
  for await (const chunk of line.stdout) {
    printed += chunk;
    if (/POST \S+\/readings/.test(printed)) break;
  }
  const live = /live page: +(\S+)/.exec(printed)?.[1] ?? '';
  const collector = /POST (\S+)\/readings/.exec(printed)?.[1] ?? '';
  const pid = line.pid ?? 0;
  const [rate, load, streams] = [Number(options.rate), Number(options.load), Number(options.streams)];
  await send(collector, rate, '?wait=2s');
  const waited = await send(collector, rate, '?wait=2s');
  console.log(`POST to label, ${rate} requests/s: p50 ${at(waited, 0.5)} ms, p99 ${at(waited, 0.99)} ms`);
  const alone = await send(collector, load, '');
  console.log(
    `${load} readings/s alone: p50 ${at(alone, 0.5)} ms, p99 ${at(alone, 0.99)} ms, memory ${memoryMb(pid)} MB`,
  );
  const readers = await openStreams(live, streams);
  const beside = await send(collector, load, '');
  const served = (readers.seen.bytes / seconds / 1e6).toFixed(1);
  console.log(
    `with ${streams} streams: p50 ${at(beside, 0.5)} ms, p99 ${at(beside, 0.99)} ms, memory ${memoryMb(pid)} MB, ${served} MB/s to readers`,
  );
  readers.close();
} finally {
  line.kill('SIGTERM');
  if (line.exitCode === null) await once(line, 'exit');
  rmSync(data, { recursive: true, force: true });
}
