import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../servers/process.ts';
import { type Disk, smallDisk } from './disk.ts';
import { gapline } from './gapline.ts';
import { asPart, type Part, startStage } from './parts.ts';
import { HttpProxy } from './proxies/http-proxy.ts';
import type { KafkaProxy } from './proxies/kafka-proxy.ts';
import { startBroker, startForwarding, startStore } from './servers.ts';
import { Undo } from './undo.ts';
import { Witness } from './witness.ts';

export const root = resolve(import.meta.dirname, '../..');
export const config = join(root, 'examples/spambase/stream.yaml');

/** What is killed and stopped. */
export const partNames = ['collector', 'classifier', 'archive', 'telegraf', 'kafka', 'influxdb'] as const;
export type PartName = (typeof partNames)[number];

/** The whole line in processes of its own, with proxies between them that can be told to be difficult. */
export interface Stack {
  readonly folder: string;
  readonly logs: string;
  readonly parts: Readonly<Record<PartName, Part>>;
  readonly proxies: { readonly devices: HttpProxy; readonly kafka: KafkaProxy; readonly influxdb: HttpProxy };
  /** Where the spool lies, and Kafka's data, if they could have small file systems of their own. */
  readonly disks: { readonly spool: Disk | undefined; readonly kafka: Disk | undefined };
  readonly witness: Witness;
  readonly collectorUrl: string;
  readonly spoolFile: string;
  /** The broker itself, beside the proxy. */
  readonly kafkaUrl: string;
  readonly influxdb: { readonly url: string; readonly org: string; readonly bucket: string; readonly token: string };
  /** The devices; they wait for the collector however long it takes. */
  readonly generator: Part;
  readonly ledger: string;
  /** Readings that sat in what the campaign damaged. */
  readonly excused: Set<string>;
  readonly tell: (line: string) => void;
  /** Another classifier beside the first. */
  addClassifier(): Promise<Part>;
  /** Lets the clocks of Gapline's processes be off. */
  setClock(offsetMs: number): Promise<void>;
  /** Runs `gapline` with arguments that know the stream and its models. */
  command(...args: readonly string[]): Promise<string>;
  /** The folder that processes are started from now on. */
  useRoot(folder: string): void;
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Readings a second. */
  readonly rate: number;
  /** Leaves the folder with the processes' logs. */
  readonly keep: boolean;
  readonly tell: (line: string) => void;
}

const readingsAPost = 5;

/** Starts everything; whatever fails, nothing is left running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const undo = new Undo(options.tell);
  try {
    return await start(options, undo);
  } catch (error) {
    await undo.all();
    throw error;
  }
}

async function start({ rate, keep, tell }: StackOptions, undo: Undo): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-chaos-'));
  undo.add(async () => (keep ? tell(`logs: ${folder}`) : rm(folder, { recursive: true, force: true })));
  const logs = join(folder, 'logs');
  await mkdir(logs);
  const disks = { spool: await mount('collector', 64), kafka: await mount('kafka', 2_000) };
  const kafka = await startBroker(join(folder, 'kafka'), undo);
  const influxdb = await startStore(undo);
  const { org, bucket, token } = influxdb.server;

  const models = join(folder, 'models');
  await cp(join(root, 'examples/spambase/models'), models, { recursive: true });
  // The plain model: what fails here is the line, not the labels.
  await rm(join(models, 'spambase/2'), { recursive: true });
  const own = ['--config', config, '--set', `model.folder=${models}`];
  const command = (...args: readonly string[]) => gapline(root, [...args, ...own]);
  await command('train', '--set', 'training.trees=20', '--set', 'training.seed=2');

  const logUrl = `kafka://127.0.0.1:${kafka.proxy.port}`;
  const clockFile = join(folder, 'clock');
  await writeFile(clockFile, '0');
  const env = {
    GAPLINE_INFLUXDB_TOKEN: token,
    GAPLINE_CHAOS_CLOCK: clockFile,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.mjs')}`,
  };
  let from = root;
  let classifiers = 0;
  const stage = async (name: string, args: readonly string[], port: number, ready: RegExp): Promise<Part> => {
    const all = [...args, ...own, '--log', logUrl, '--log-level', 'warn', '--port', String(port)];
    const data = ['--data', join(folder, name)];
    const handle = await startStage({ name, root: () => from, args: [...all, ...data], env, logs, ready });
    undo.add(() => handle.stop());
    return asPart(handle, tell);
  };
  const probed = /health and metrics: /;
  const addClassifier = async (): Promise<Part> => {
    classifiers += 1;
    return stage(
      classifiers === 1 ? 'classifier' : `classifier-${classifiers}`,
      ['classify'],
      await freePort(),
      probed,
    );
  };
  const collectorPort = await freePort();
  const collectorUrl = `http://127.0.0.1:${collectorPort}`;
  const store = ['--store', `${influxdb.proxy.url}/${org}/${bucket}`];
  const collector = await stage('collector', ['collect', '--no-archive'], collectorPort, /collector: http/);
  const archive = await stage('archive', ['archive', ...store], await freePort(), probed);
  const classifier = await addClassifier();
  const inputs = await command('telegraf-config', '--log', logUrl);
  const telegraf = await startForwarding({ root, folder, inputs, influxdb }, undo);
  const { proxy: devices, witness, generator, ledger } = await startDevices();

  return {
    ...{ folder, logs, disks, witness, collectorUrl, ledger, tell, command, generator, addClassifier },
    influxdb: { url: influxdb.server.url, org, bucket, token },
    kafkaUrl: kafka.server.url,
    parts: {
      ...{ collector, classifier, archive },
      telegraf: asPart(telegraf, tell),
      kafka: asPart(kafka.server, tell),
      influxdb: asPart(influxdb.server, tell),
    },
    proxies: { devices, kafka: kafka.proxy, influxdb: influxdb.proxy },
    spoolFile: join(folder, 'collector', 'spambase.spool.db'),
    excused: new Set(),
    setClock: (offsetMs) => writeFile(clockFile, String(offsetMs)),
    useRoot(other) {
      from = other;
    },
    stop: () => undo.all(),
  };

  async function mount(name: string, megabytes: number): Promise<Disk | undefined> {
    const disk = await smallDisk(name, megabytes, folder);
    if (disk) undo.add(() => disk.unmount());
    return disk;
  }

  async function startDevices() {
    const witness = new Witness();
    const proxy = new HttpProxy({
      target: collectorUrl,
      arrived: (body) => witness.arrived(body),
      passed: (passed) => witness.passed(passed),
    });
    await proxy.start();
    undo.add(() => proxy.stop());
    const ledger = join(folder, 'ledger.ndjson');
    const flow = [
      '--set',
      `generator.rate=${rate}`,
      '--set',
      `generator.batch=${readingsAPost}`,
      '--log-level',
      'warn',
    ];
    const to = ['--to', proxy.url, '--ledger', ledger, '--data', join(folder, 'generator')];
    const handle = await startStage({
      name: 'generator',
      root: () => root,
      args: ['generate', ...own, ...to, ...flow],
      env: {},
      logs,
      ready: /^/,
    });
    undo.add(() => handle.stop());
    return { proxy, witness, ledger, generator: asPart(handle, tell) };
  }
}
