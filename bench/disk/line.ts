import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, printed } from '../child.ts';
import { usage } from '../ingest/cpu.ts';
import { BenchReadings, stepMs } from './readings.ts';

const root = resolve(import.meta.dirname, '../..');
const perRequest = 1_000;
/** Requests under way. */
const connections = 4;

/** The embedded line in a process of its own, looked at from outside. */
export interface DiskLine {
  /** Sends so many further readings as fast as they are taken. */
  send(readings: number): Promise<void>;
  /** Resolves once every stage has taken all. */
  settled(): Promise<void>;
  /** Seconds of CPU time so far. */
  cpuS(): number;
  stop(): Promise<void>;
}

/** @param total - how many readings will be sent */
export async function startLine(compress: boolean, total: number): Promise<DiskLine> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-disk-'));
  const set = [
    `log.compress=${compress}`,
    `store.compress=${compress}`,
    'log.retentionMegabytes=100000',
    'model.alias=mean',
  ];
  const config = ['--config', join(root, 'examples/spambase/stream.yaml'), '--data', folder, '--log-level', 'error'];
  const ports = ['--no-generator', '--collector-port', '0', '--page-port', '0'];
  const args = ['up', ...config, ...ports, ...set.flatMap((each) => ['--set', each])];
  const child = spawn(join(root, 'gapline'), args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await printed(child, /POST (\S+)/);
  const file = join(folder, 'gapline.db');
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  const one = (sql: string) => Number(Object.values(database.prepare(sql).get() ?? {})[0]);
  const body = createBodies(Date.now() - total * stepMs);
  const until = async (isSo: () => boolean) => {
    while (!isSo()) {
      if (child.exitCode !== null) throw new Error('the line ended');
      await sleep(200);
    }
  };

  return {
    async send(readings) {
      const bodies = Array.from({ length: readings / perRequest }, body);
      await Promise.all(
        Array.from({ length: connections }, async () => {
          for (let next = bodies.pop(); next; next = bodies.pop()) await post(url, next);
        }),
      );
    },
    settled: () =>
      until(
        () => one('SELECT sum(p.next - o.next) FROM log_offsets o JOIN log_partitions p ON p.id = o.partition') === 0,
      ),
    cpuS: () => usage(child.pid ?? 0).cpuS,
    async stop() {
      database.close();
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function post(url: string, body: string): Promise<void> {
  for (;;) {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
    await answer.arrayBuffer();
    if (answer.status === 202) return;
    if (answer.status !== 429 && answer.status !== 503) throw new Error(`the collector answered ${answer.status}`);
    await sleep(100);
  }
}

/** Makes the bodies of requests one after the other. */
function createBodies(firstMs: number): () => string {
  const readings = new BenchReadings(firstMs);
  return () => Array.from({ length: perRequest }, () => JSON.stringify(readings.next())).join('\n');
}
