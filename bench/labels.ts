// Clients of an embedded line: from POST to label in one request, and many open streams of predictions beside a steady load.
// npm run bench -- labels [--rate 100] [--load 500] [--streams 1000] [--seconds 10] [--rounds 3] [--docs]
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { end, printed } from './child.ts';
import type { Seen } from './labels/readers.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '100' },
    load: { type: 'string', default: '500' },
    streams: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    tree: { type: 'string', default: join(import.meta.dirname, '..') },
    docs: { type: 'boolean', default: false },
  },
});
const { tree } = options;
const [rate, load, streams] = [Number(options.rate), Number(options.load), Number(options.streams)];
const [seconds, rounds] = [Number(options.seconds), Number(options.rounds)];

/** POSTs at a rate and returns how long each response took, in ms, in order of size. */
async function send(url: string, perSecond: number, query: string): Promise<number[]> {
  const took: number[] = [];
  const underWay: Promise<void>[] = [];
  const startMs = performance.now();
  for (let index = 0; index < perSecond * seconds; index++) {
    const dueMs = startMs + (index * 1_000) / perSecond;
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

/** Readers in a process of their own, as they are on other machines. */
async function openStreams(url: string, query: string) {
  const readers = fork(join(import.meta.dirname, 'labels/readers.ts'), [url, String(streams), query]);
  await once(readers, 'message');
  return async (): Promise<Seen> => {
    readers.send('end');
    const [seen] = (await once(readers, 'message')) as [Seen];
    if (readers.exitCode === null) await once(readers, 'exit');
    return seen;
  };
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
const memoryMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
/** Seconds of the processor that a process has taken. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface Round {
  readonly p50: number;
  readonly p99: number;
  readonly memory: number;
  /** Of one core. */
  readonly cpu: number;
  readonly seen: Seen | undefined;
}

const cases = {
  'no stream': undefined,
  [`${streams} streams, each of one device`]: '?device=bench-',
  [`${streams} streams of everything`]: '',
};

const data = mkdtempSync(join(tmpdir(), 'gapline-bench-'));
const ports = ['--collector-port', '0', '--page-port', '0', '--no-generator', '--log-level', 'error'];
const line = spawn(
  process.execPath,
  [join(tree, 'cli/main.ts'), 'up', '--config', 'examples/spambase/stream.yaml', '--data', data, ...ports],
  { cwd: tree, stdio: ['ignore', 'pipe', 'inherit'] },
);
try {
  const text = await printed(line, /(live page:[\s\S]*POST \S+\/readings)/);
  const live = /live page: +(\S+)/.exec(text)?.[1] ?? '';
  const collector = /POST (\S+)\/readings/.exec(text)?.[1] ?? '';
  const pid = line.pid ?? 0;
  await send(collector, rate, '?wait=2s');
  const waited = await send(collector, rate, '?wait=2s');
  const latency = `POST to label, ${rate} requests a second: p50 ${at(waited, 0.5).toFixed(1)} ms, p99 ${at(waited, 0.99).toFixed(1)} ms.`;
  console.log(latency);
  const results = new Map<string, Round[]>(Object.keys(cases).map((name) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, query] of Object.entries(cases)) {
      const close = query === undefined ? undefined : await openStreams(live, query);
      const [cpu, beganMs] = [cpuSeconds(pid), performance.now()];
      const took = await send(collector, load, '');
      const spent = ((cpuSeconds(pid) - cpu) * 1_000) / (performance.now() - beganMs);
      const memory = memoryMb(pid);
      const result = { p50: at(took, 0.5), p99: at(took, 0.99), memory, cpu: spent, seen: await close?.() };
      if (round > 0) results.get(name)?.push(result);
      console.log(`${name}: ${JSON.stringify(result)}`);
    }
  }
  const middle = (all: readonly Round[], of: (round: Round) => number, digits: number) =>
    median(all.map(of)).toFixed(digits);
  const rows = [...results].map(([name, all]) => [
    name,
    middle(all, ({ p50 }) => p50, 1),
    middle(all, ({ p99 }) => p99, 1),
    middle(all, ({ cpu }) => cpu, 2),
    Math.max(...all.map(({ memory }) => memory)).toFixed(0),
    middle(all, ({ seen }) => (seen?.bytes ?? 0) / seconds / 1e6, 1),
    middle(all, ({ seen }) => seen?.events ?? 0, 0),
    middle(all, ({ seen }) => seen?.cut ?? 0, 0),
  ]);
  const header = ['', 'POST p50 ms', 'p99 ms', 'cores', 'memory MB', 'MB/s sent', 'events of one', 'cut off'];
  const section = table(header, rows);
  console.log(section);
  const about = `\`npm run bench -- labels\` · ${machine()} Load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.

${latency}

${load} readings a second, one a POST, into the embedded Spambase example, in turn without and with open streams of events: medians of ${rounds} rounds of ${seconds} s, the most of memory. Line, sender and readers share the machine. Streams of one device each get all that is theirs, ${load / 100} events a second; streams of everything would be ${(load * streams).toLocaleString('en')} events a second, above 1 GB/s, so they get what a tenth of the process's time sends; whoever falls 32 MB behind is told to resume.`;
  if (options.docs) writeSection('labels', `## Labels back\n\n${about}\n\n${section}`);
} finally {
  await end(line);
  rmSync(data, { recursive: true, force: true });
}
