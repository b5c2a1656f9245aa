import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { elementAt } from '../../core/numeric/element.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { end, printed } from '../child.ts';
import { usage } from '../ingest/cpu.ts';

const root = resolve(import.meta.dirname, '../..');
const data = join(root, 'examples/spambase/data');
const devices = 20;
const perRequest = 1_000;
/** Requests under way. */
const connections = 4;
/** As if they had come at 50 a second. */
const stepMs = 20;

/** The most records of a partition that are not in a block. */
const rowsOfPartition = `
  SELECT max(p.next - coalesce(
    (SELECT max(id) & ((1 << 44) - 1) FROM log_blocks WHERE id >= p.id << 44 AND id < (p.id + 1) << 44) + 1, p.first
  )) FROM log_partitions p JOIN log_topics t ON t.id = p.topic WHERE t.compacted = 0`;

/** The embedded line in a process of its own, looked at from outside. */
export interface DiskLine {
  /** Sends so many further readings as fast as they are taken. */
  send(readings: number): Promise<void>;
  /** Resolves once every stage has taken all. */
  settled(): Promise<void>;
  /** Resolves once what is left as rows is less than a block for each partition and device. */
  packed(): Promise<void>;
  /** Bytes of the file and of its write-ahead log. */
  bytes(): number;
  /** Seconds of CPU time so far. */
  cpuS(): number;
  /** Ends the line; returns the bytes that are left. */
  stop(): Promise<number>;
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
  const bytes = () =>
    [file, `${file}-wal`].reduce((sum, each) => sum + (statSync(each, { throwIfNoEntry: false })?.size ?? 0), 0);
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
    packed: () => until(() => one(rowsOfPartition) < 512 && one('SELECT count(*) FROM store_rows') <= devices * 32),
    bytes,
    cpuS: () => usage(child.pid ?? 0).cpuS,
    async stop() {
      database.close();
      await end(child);
      const left = bytes();
      rmSync(folder, { recursive: true, force: true });
      return left;
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

/** Makes the bodies of requests one after the other: all rows of the example in a random order, each value missing with 10 %. */
function createBodies(firstMs: number): () => string {
  const tables = ['train.csv', 'test.csv'].map((name) => readFileSync(join(data, name), 'utf8').trim().split('\n'));
  const names = elementAt(elementAt(tables, 0), 0).split(',').slice(0, -1);
  const rows = tables.flatMap((lines) => lines.slice(1).map((line) => line.split(',')));
  const random = mulberry32(1);
  let sent = 0;
  return () =>
    Array.from({ length: perRequest }, () => {
      const cells = elementAt(rows, Math.floor(random() * rows.length));
      const values = Object.fromEntries(names.map((name, at) => [name, random() < 0.1 ? null : Number(cells[at])]));
      // Devices do not speak on the millisecond.
      const time = `${firstMs + sent * stepMs + Math.floor(random() * stepMs)}000000`;
      const reading = {
        device: `device-${String(sent % devices).padStart(2, '0')}`,
        time,
        values,
        truth: cells.at(-1),
      };
      sent += 1;
      return JSON.stringify(reading);
    }).join('\n');
}
