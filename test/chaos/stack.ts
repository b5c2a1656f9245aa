import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientName } from '../../core/log/kafka/address.ts';
import { KeptTopics } from './deleted/kept.ts';
import { type Disk, smallDisk } from './disk.ts';
import { type Acknowledge, type Line, startLine } from './line.ts';
import { asPart, type Part } from './parts.ts';
import type { HttpProxy } from './proxies/http-proxy.ts';
import { startBrokers, startForwarding, startStore } from './servers.ts';
import { root, type StreamCase } from './streams.ts';
import { type Difficult, type KafkaConnections, partsTogether, proxiesTogether } from './together.ts';
import { Undo } from './undo.ts';
import { within } from './within.ts';

/** What is killed and stopped. */
export const partNames = ['collector', 'classifier', 'archive', 'telegraf', 'kafka', 'influxdb'] as const;
export type PartName = (typeof partNames)[number];

/** The streams' lines in processes of their own, with proxies between them and the servers that can be told to be difficult. */
export interface Stack {
  readonly folder: string;
  readonly logs: string;
  /** One line a stream. */
  readonly lines: readonly Line[];
  /** The same part of all lines is hit at once. */
  readonly parts: Readonly<Record<PartName, Part>>;
  readonly proxies: { readonly devices: Difficult; readonly kafka: KafkaConnections; readonly influxdb: HttpProxy };
  /** Where the spools lie, and Kafka's data, if they could have small file systems of their own. */
  readonly disks: { readonly spool: Disk | undefined; readonly kafka: Disk | undefined };
  /** The broker itself, beside the proxy. */
  readonly kafkaUrl: string;
  /** `HOST:PORT` of each broker. */
  readonly brokers: readonly string[];
  /** By broker, where there are several: what its clients and the other brokers come through. */
  readonly brokersApart: readonly KafkaConnections[];
  /** What topics held that faults destroy; undefined where the files of a topic cannot be kept. */
  readonly keptTopics: KeptTopics | undefined;
  readonly influxdb: { readonly url: string; readonly org: string; readonly bucket: string; readonly token: string };
  readonly tell: (line: string) => void;
  /** Another classifier of each stream beside the first. */
  addClassifier(): Promise<Part>;
  /** Lets the clocks of Gapline's processes be off. */
  setClock(offsetMs: number): Promise<void>;
  /** The folder that processes are started from now on. */
  useRoot(folder: string): void;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly streams: readonly StreamCase[];
  /** By which Gapline's processes consume and commit. */
  readonly client: ClientName;
  readonly brokers: 1 | 3;
  /** Readings a second. */
  readonly rate: number;
  /** Processes of each collector that take readings. */
  readonly workers: number;
  readonly acknowledge: Acknowledge;
  /** Of the campaign. */
  readonly seed: number;
  /** Leaves the folder with the processes' logs. */
  readonly keep: boolean;
  readonly tell: (line: string) => void;
}

/** Servers, up to three models that are trained, and up to fifteen stages: some 20 s, and more on a busy machine. */
const startSeconds = 240;

/** Starts everything; whatever fails or takes too long, nothing is left running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const undo = new Undo(options.tell);
  const progress = { what: 'its folder' };
  try {
    const what = () => `the stack to start: ${progress.what}`;
    return await within(startSeconds, what, start(options, undo, progress));
  } catch (error) {
    await undo.all();
    throw error;
  }
}

async function start(
  { streams, client, brokers, rate, workers, acknowledge, seed, keep, tell }: StackOptions,
  undo: Undo,
  progress: { what: string },
): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-chaos-'));
  undo.add(async () => (keep ? tell(`logs: ${folder}`) : rm(folder, { recursive: true, force: true })));
  const logs = join(folder, 'logs');
  await mkdir(logs);
  // Megabytes; each worker has one.
  const journals = acknowledge === 'disk' ? 17 * workers * streams.length : 0;
  const disks = {
    spool: await mount('collector', 64 + journals),
    kafka: brokers === 1 ? await mount('kafka', 2_000) : undefined,
  };
  progress.what = 'Kafka';
  const kafkaFolder = join(folder, 'kafka');
  const kafka = await startBrokers({ count: brokers, dataFolder: kafkaFolder, tell }, undo);
  progress.what = 'InfluxDB';
  const influxdb = await startStore(undo);
  const { org, bucket, token } = influxdb.server;
  const clockFile = join(folder, 'clock');
  await writeFile(clockFile, '0');
  const env = {
    GAPLINE_INFLUXDB_TOKEN: token,
    GAPLINE_CHAOS_CLOCK: clockFile,
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.mjs')}`,
  };
  const logUrl = `${client}://${kafka.addresses.join()}`;
  const storeUrl = `${influxdb.proxy.url}/${org}/${bucket}`;
  let from = root;
  const shared = { folder, logs, rate, workers, acknowledge, seed, logUrl, storeUrl, env, from: () => from, tell };
  const lines: Line[] = [];
  const ofLines: Undo[] = [];
  // Up to fifteen processes, each of which may take 20 s.
  undo.add(() => Promise.all(ofLines.map((each) => each.atOnce())));
  for (const each of streams) {
    progress.what = `the stages of ${each.stream}`;
    const own = new Undo(tell);
    ofLines.push(own);
    lines.push(await startLine({ case: each, ...shared }, own));
  }
  progress.what = 'Telegraf';
  const inputs = lines.map((line) => line.inputs);
  const telegraf = await startForwarding({ root, folder, inputs, influxdb }, undo);
  const together = (name: 'collector' | 'classifier' | 'archive') =>
    partsTogether(
      name,
      lines.map((line) => line[name]),
    );

  return {
    ...{ folder, logs, lines, disks, tell },
    influxdb: { url: influxdb.server.url, org, bucket, token },
    kafkaUrl: `kafka://${kafka.brokers.join()}`,
    ...{ brokers: kafka.brokers, brokersApart: kafka.apart },
    keptTopics: brokers === 1 ? new KeptTopics(kafkaFolder) : undefined,
    parts: {
      ...{ collector: together('collector'), classifier: together('classifier'), archive: together('archive') },
      telegraf: asPart(telegraf, tell),
      kafka: kafka.part,
      influxdb: asPart(influxdb.server, tell),
    },
    proxies: {
      devices: proxiesTogether(lines.map(({ devices }) => devices)),
      kafka: kafka.proxy,
      influxdb: influxdb.proxy,
    },
    addClassifier: async () =>
      partsTogether('second classifier', await Promise.all(lines.map((line) => line.addClassifier()))),
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
}
