import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { dataFolder, freePort, startServer } from '../../test/servers/process.ts';
import { startTelegraf, telegrafWith } from '../../test/servers/telegraf.ts';
import { end, printed } from '../child.ts';
import { installPython } from '../peers.ts';
import type { Job } from './jobs.ts';

/** Something that takes readings. */
export interface Peer {
  readonly name: string;
  readonly pid: number;
  /** The topic where its readings end; undefined where it keeps none. */
  readonly topic: string | undefined;
  /** Where a job sends; undefined where it has no endpoint for it. */
  url(job: Job): string | undefined;
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, '../..');
/** The example whose names of values the bodies have. */
export const example = join(root, 'examples/spambase');

/** How each is started on a Kafka. */
export const peers: Readonly<Record<string, (broker: string, workers: string) => Promise<Peer>>> = {
  gapline: startGapline,
  // Acknowledged when its disk has the reading, and not the log yet.
  'gapline-disk': startGaplineOnDisk,
  telegraf: startTelegrafPeer,
  flask: startFlask,
  bare: startBare,
  // Only accepted readings are counted: an answer comes once they are in the file.
  sqlite: (_broker, workers) => startCollector({ name: 'sqlite', root, workers }),
};

/** The same collector of another tree of this repository, say of a commit before. */
export const startBase = (folder: string): Promise<Peer> =>
  startCollector({ name: 'sqlite-base', root: resolve(folder), workers: '' });

function startGapline(broker: string, workers: string): Promise<Peer> {
  return startCollector({ name: 'gapline', root, workers, broker });
}

function startGaplineOnDisk(broker: string, workers: string): Promise<Peer> {
  const more = ['--set', 'collector.acknowledge=disk'];
  return startCollector({ name: 'gapline-disk', root, workers, broker, more });
}

interface CollectorPlace {
  readonly name: string;
  /** The folder of the repository. */
  readonly root: string;
  readonly workers: string;
  /** Default: the log is a file. */
  readonly broker?: string;
  /** Options of `gapline collect`. Default: none. */
  readonly more?: readonly string[];
}

async function startCollector({ name, root: tree, workers, broker, more = [] }: CollectorPlace): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-ingest-'));
  const where = ['--config', join(tree, 'examples/spambase/stream.yaml'), '--data', folder];
  const args = ['collect', ...where, '--port', '0', '--no-archive', '--log-level', 'error', ...more];
  if (broker !== undefined) args.push('--log', `kafka://${broker}`);
  if (workers !== '') args.push('--workers', workers);
  const child = start(join(tree, 'gapline'), args);
  const url = await printed(child, /collector: (\S+)/);
  return {
    ...{ name, pid: pidOf(child), topic: broker === undefined ? undefined : 'spam_data' },
    url: (job) => url + job.path,
    async stop() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startTelegrafPeer(broker: string): Promise<Peer> {
  const [json, lines] = [await freePort(), await freePort()];
  const handle = await startTelegraf({
    supply: telegrafWith([
      ...['inputs.http_listener_v2', 'inputs.influxdb_v2_listener', 'outputs.kafka'],
      ...['parsers.influx', 'parsers.json_v2', 'serializers.influx', 'serializers.json'],
    ]),
    configFiles: [join(import.meta.dirname, 'telegraf.conf')],
    env: { JSON_PORT: String(json), LINES_PORT: String(lines), BROKER: broker },
    report: (line) => console.error(line),
  });
  return {
    ...{ name: 'telegraf', pid: handle.pid, topic: 'telegraf' },
    url(job) {
      // It has no NDJSON of many readings in one request that is as quick as its line protocol.
      if (job.name === 'ndjson') return undefined;
      return `http://127.0.0.1:${job.name === 'one-json' ? json : lines}${job.path}`;
    },
    stop: () => handle.stop(),
  };
}

async function startFlask(broker: string): Promise<Peer> {
  const python = installPython('ingest');
  const port = await freePort();
  const handle = await startServer({
    ...{ name: 'flask', url: '', command: python, env: { BROKER: broker } },
    args: ['-m', 'gunicorn', '--chdir', import.meta.dirname, '-w', '2', '--threads', '16'].concat([
      '--bind',
      `127.0.0.1:${port}`,
      'flask_peer:app',
    ]),
    data: await dataFolder('flask'),
    ready: (output) => output().includes('Booting worker'),
  });
  return {
    ...{ name: 'flask', pid: handle.pid, topic: 'flask' },
    url: (job) => (job.name === 'one-json' ? `http://127.0.0.1:${port}${job.path}` : undefined),
    stop: () => handle.stop(),
  };
}

async function startBare(): Promise<Peer> {
  const child = start(process.execPath, [join(import.meta.dirname, 'bare-server.ts')]);
  const port = await printed(child, /listening: (\d+)/);
  return {
    ...{ name: 'bare', pid: pidOf(child), topic: undefined },
    url: (job) => `http://127.0.0.1:${port}${job.path}`,
    stop: () => end(child),
  };
}

function start(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the peer did not start');
  return pid;
}
