import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pino from 'pino';
import { classifierGroup } from '../../classifier/classifier.ts';
import { type EventLog, totalLag } from '../../core/log/port.ts';
import { type Stream, topicsOf } from '../../core/wire/stream.ts';
import { type Kafka, startKafka } from '../../test/servers/kafka.ts';
import { end, printed } from '../child.ts';

/** Memory of the line's processes at one moment, in megabytes. */
export type Memory = Readonly<Record<string, number>>;

/** A line under load: the stages are started as a user starts them, and only observed from outside. */
export interface Line {
  readonly collectorUrl: string;
  /** Readings in the log that are not labelled yet. */
  backlog(): Promise<number>;
  /** The memory of each process now. */
  memory(): Memory;
  /** The peak memory of each process. */
  peak(): Memory;
  /** Whether all processes still run. */
  alive(): boolean;
  /** All predictions, batch by batch. */
  predictions(): AsyncIterable<readonly Uint8Array[]>;
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, '../..');
const config = join(root, 'examples/spambase/stream.yaml');
const stream: Stream = {
  name: 'spambase',
  fields: [],
  topics: topicsOf('spambase', { readings: 'spam_data', predictions: 'spam_predictions' }),
};
const logger = pino({ level: 'error' });

interface Started {
  readonly name: string;
  readonly child: ChildProcess;
}

/** Starts the line in one process on SQLite, or in three on a real Kafka. */
export async function startLine(engine: 'embedded' | 'kafka'): Promise<Line> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-flood-'));
  const kafka = engine === 'kafka' ? await startKafka() : undefined;
  const url = kafka && `kafka://${kafka.broker}`;
  // Predictions are counted at the end, so retention must not delete any before.
  const common = [
    '--config',
    config,
    '--data',
    folder,
    '--log-level',
    'error',
    '--set',
    'log.retentionMegabytes=100000',
    // The line is measured with the plain model: the other one spends its time on neighbours.
    '--set',
    'model.alias=mean',
  ];
  const started: Started[] = [];
  let collectorUrl: string;
  if (url === undefined) {
    const up = start('up', ['up', ...common, '--no-generator', '--collector-port', '0', '--page-port', '0']);
    started.push(up);
    collectorUrl = new URL(await printed(up.child, /POST (\S+)/)).origin;
  } else {
    const stage = (name: string, args: readonly string[]) => start(name, [name, ...common, '--log', url, ...args]);
    const collect = stage('collect', ['--port', '0', '--no-archive']);
    started.push(collect);
    collectorUrl = await printed(collect.child, /collector: (\S+)/);
    started.push(stage('classify', []), stage('archive', []));
    await Promise.all(started.slice(1).map(({ child }) => printed(child, /health and metrics: (\S+)/)));
  }
  const log = await openLog(url, folder);
  await log.start();
  return {
    collectorUrl,
    backlog: async () => totalLag(await log.lag(classifierGroup(stream), [stream.topics.readings])),
    memory: () => memoryOf(started, kafka, 'VmRSS'),
    peak: () => memoryOf(started, kafka, 'VmHWM'),
    alive: () => started.every(({ child }) => child.exitCode === null && child.signalCode === null),
    async *predictions() {
      for await (const records of log.tail([stream.topics.predictions], { since: 0, follow: false }))
        yield records.map(({ value }) => value);
    },
    async stop() {
      await log.stop();
      for (const { child } of started.toReversed()) await end(child);
      await kafka?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function openLog(url: string | undefined, folder: string): Promise<EventLog> {
  if (url !== undefined) return (await import('../../core/log/kafka.ts')).createKafkaLog({ url, logger });
  return (await import('../../core/log/sqlite.ts')).createSqliteLog({ file: join(folder, 'gapline.db'), logger });
}

function start(name: string, args: readonly string[]): Started {
  const child = spawn(join(root, 'gapline'), args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  return { name, child };
}

function memoryOf(started: readonly Started[], kafka: Kafka | undefined, field: 'VmRSS' | 'VmHWM'): Memory {
  const pids = [...started.map(({ name, child }) => [name, child.pid] as const)];
  if (kafka) pids.push(['kafka', kafka.pid]);
  return Object.fromEntries(pids.map(([name, pid]) => [name, residentMb(pid, field)]));
}

/** 0 for a process that is gone. */
function residentMb(pid: number | undefined, field: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1_000);
  } catch {
    return 0;
  }
}
