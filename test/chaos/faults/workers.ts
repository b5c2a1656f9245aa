import { readdirSync, readFileSync } from 'node:fs';
import type { KeyedRandom } from '../../../core/numeric/random/keyed-random.ts';
import type { Line } from '../line.ts';
import { metric } from '../metrics.ts';
import { type Fault, oneOf, seconds } from './fault.ts';

const stoppedSeconds = 10;
const comesBackSeconds = 30;

/** One process of each collector dies; the process that started it puts another in its place. */
const killWorker: Fault = {
  name: 'kill a worker',
  touches: ['collector'],
  seconds: 6,
  async strike({ lines }, random) {
    const hit = lines.map((line) => ({
      line,
      worker: oneWorker(line, random),
      before: childrenOf(line.collector.pid),
    }));
    for (const { worker } of hit) process.kill(worker, 'SIGKILL');
    await Promise.all(hit.map(({ line, worker, before }) => replaced(line, worker, before.length)));
  },
};

/** Its connections stay open, nothing is answered on them, and new ones may still come to it. */
const stopWorker: Fault = {
  name: 'stop a worker',
  touches: ['collector'],
  seconds: stoppedSeconds,
  async strike({ lines }, random) {
    const workers = lines.map((line) => oneWorker(line, random));
    for (const worker of workers) process.kill(worker, 'SIGSTOP');
    await seconds(stoppedSeconds);
    for (const worker of workers) process.kill(worker, 'SIGCONT');
  },
};

export const workerFaults: readonly Fault[] = [killWorker, stopWorker];

const oneWorker = ({ collector }: Line, random: KeyedRandom): number => oneOf(random, childrenOf(collector.pid));

/** Linux's list of the processes that one has started. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

/** Resolves when another process has taken the worker's place and reports its figures. */
async function replaced({ collector, collectorUrl }: Line, worker: number, count: number): Promise<void> {
  for (let waited = 0; waited < comesBackSeconds; waited += 1) {
    await seconds(1);
    const now = childrenOf(collector.pid);
    const running = await metric(collectorUrl, 'gapline_collector_workers');
    if (!now.includes(worker) && now.length >= count && running === now.length) return;
  }
  throw new Error(`after ${comesBackSeconds} s no process has taken the place of worker ${worker}`);
}
