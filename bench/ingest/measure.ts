import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { usage } from './cpu.ts';
import type { Job } from './jobs.ts';
import type { Peer } from './peers.ts';

/** What one peer did in one round of one job. */
export interface Measured {
  readonly readingsPerSecond: number;
  /** CPU seconds of the peer for a million readings at the far end. */
  readonly cpuPerMillion: number;
  readonly kafkaCpuPerMillion: number;
  /** Of requests that were answered otherwise than with success, their share. */
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly peakMb: number;
}

interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly refused: number;
  readonly broken: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Bodies {
  readonly folder: string;
  readonly count: number;
}

/** A topic that has had no new record for so long has all that will come. */
const quietMs = 1_000;

export class Bench {
  readonly #admin: Admin;
  readonly #kafkaPid: number;

  constructor(admin: Admin, kafkaPid: number) {
    this.#admin = admin;
    this.#kafkaPid = kafkaPid;
  }

  /** Loads a peer for some seconds, and counts in Kafka what arrived, until nothing more does. */
  async measure(peer: Peer, url: string, job: Job, bodies: Bodies, seconds: number): Promise<Measured> {
    const records = peer.topic === undefined ? 0 : await this.#records(peer.topic);
    const [cpu, kafkaCpu] = [usage(peer.pid).cpuS, usage(this.#kafkaPid).cpuS];
    const began = performance.now();
    const load = await wrk(url, job, bodies, seconds);
    const arrived =
      peer.topic === undefined
        ? { count: (load.requests - load.refused) * job.batch, atMs: performance.now() }
        : await this.#settled(peer.topic, records);
    const after = usage(peer.pid);
    const millions = arrived.count / 1e6;
    return {
      // What comes after the load has ended counts, and so does the time that it takes.
      readingsPerSecond: arrived.count / Math.max(load.seconds, (arrived.atMs - began) / 1_000),
      cpuPerMillion: (after.cpuS - cpu) / millions,
      kafkaCpuPerMillion: (usage(this.#kafkaPid).cpuS - kafkaCpu) / millions,
      refused: (load.refused + load.broken) / Math.max(1, load.requests),
      p50Ms: load.p50Ms,
      p99Ms: load.p99Ms,
      peakMb: after.peakMb,
    };
  }

  async #records(topic: string): Promise<number> {
    const offsets = await this.#admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  }

  /** How many records came, and when the last did. */
  async #settled(topic: string, before: number): Promise<{ count: number; atMs: number }> {
    let [count, atMs] = [await this.#records(topic), performance.now()];
    while (performance.now() - atMs < quietMs) {
      await sleep(100);
      const now = await this.#records(topic);
      if (now !== count) [count, atMs] = [now, performance.now()];
    }
    return { count: count - before, atMs };
  }
}

/** @throws {Error} where there is no `wrk`; better before servers are started than after */
export function demandWrk(): void {
  if (spawnSync('wrk', ['-v']).error) throw new Error('the bench needs `wrk` on the PATH (apt install wrk)');
}

async function wrk(url: string, job: Job, bodies: Bodies, seconds: number): Promise<Load> {
  const script = join(import.meta.dirname, 'load.lua');
  const load = ['-t1', `-c${job.connections}`, `-d${seconds}s`, '--timeout', '20s', '-s', script, url];
  const child = spawn('wrk', [...load, '--', bodies.folder, String(bodies.count), job.contentType], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Load;
}
