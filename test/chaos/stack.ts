import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startInfluxdb } from '../servers/influxdb.ts';
import { startKafka } from '../servers/kafka.ts';
import { freePort } from '../servers/process.ts';
import { startTelegraf } from '../servers/telegraf.ts';
import { type Disk, smallDisk } from './disk.ts';
import { HttpDoor } from './doors/http-door.ts';
import { KafkaDoor } from './doors/kafka-door.ts';
import { gapline } from './gapline.ts';
import { asPart, type Part, startStage } from './parts.ts';
import { Witness } from './witness.ts';

export const root = resolve(import.meta.dirname, '../..');
export const config = join(root, 'examples/spambase/stream.yaml');

/** What is killed and stopped. */
export const partNames = ['collector', 'classifier', 'archive', 'telegraf', 'kafka', 'influxdb'] as const;
export type PartName = (typeof partNames)[number];

/** The whole line in processes of its own, with doors between them that can be told to be difficult. */
export interface Stack {
  readonly folder: string;
  readonly logs: string;
  readonly parts: Readonly<Record<PartName, Part>>;
  readonly doors: { readonly devices: HttpDoor; readonly kafka: KafkaDoor; readonly influxdb: HttpDoor };
  /** Where the spool lies, and Kafka's data, if they could have small file systems of their own. */
  readonly disks: { readonly spool: Disk | undefined; readonly kafka: Disk | undefined };
  readonly witness: Witness;
  readonly collectorUrl: string;
  readonly spoolFile: string;
  /** The broker itself, beside the door. */
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
export async function startStack({ rate, keep, tell }: StackOptions): Promise<Stack> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse())
      await step().catch((error: Error) => tell(`stopping: ${error.message}`));
  };
  try {
    return await start();
  } catch (error) {
    await stop();
    throw error;
  }

  async function start(): Promise<Stack> {
    const folder = await mkdtemp(join(tmpdir(), 'gapline-chaos-'));
    undo.push(async () => (keep ? tell(`logs: ${folder}`) : rm(folder, { recursive: true, force: true })));
    const logs = join(folder, 'logs');
    await mkdir(logs);
    const disk = async (name: string, megabytes: number): Promise<Disk | undefined> => {
      const made = await smallDisk(name, megabytes, folder);
      if (made) undo.push(() => made.unmount());
      return made;
    };
    const disks = { spool: await disk('collector', 64), kafka: await disk('kafka', 2_000) };

    const { kafka, kafkaDoor } = await startBroker(join(folder, 'kafka'));
    const influxdb = await startInfluxdb();
    undo.push(() => influxdb.stop());
    const influxdbDoor = new HttpDoor({ target: influxdb.url });
    await influxdbDoor.start();
    undo.push(() => influxdbDoor.stop());

    const models = join(folder, 'models');
    await cp(join(root, 'examples/spambase/models'), models, { recursive: true });
    const own = ['--config', config, '--set', `model.folder=${models}`];
    const command = (...args: readonly string[]) => gapline(root, [...args, ...own]);
    await command('train', '--set', 'training.trees=20', '--set', 'training.seed=2');
    const logUrl = `kafka://127.0.0.1:${kafkaDoor.port}`;
    const store = ['--store', `${influxdbDoor.url}/${influxdb.org}/${influxdb.bucket}`];
    const clockFile = join(folder, 'clock');
    await writeFile(clockFile, '0');
    const env = {
      GAPLINE_INFLUXDB_TOKEN: influxdb.token,
      GAPLINE_CHAOS_CLOCK: clockFile,
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.mjs')}`,
    };
    let from = root;
    const stage = async (name: string, args: readonly string[], port: number, ready: RegExp): Promise<Part> => {
      const all = [...args, ...own, '--log', logUrl, '--log-level', 'warn', '--port', String(port)];
      const data = ['--data', join(folder, name)];
      const handle = await startStage({ name, root: () => from, args: [...all, ...data], env, logs, ready });
      undo.push(() => handle.stop());
      return asPart(handle, tell);
    };
    const probed = /health and metrics: /;
    const collectorPort = await freePort();
    const collectorUrl = `http://127.0.0.1:${collectorPort}`;
    const collector = await stage('collector', ['collect', '--no-archive'], collectorPort, /collector: http/);
    const archive = await stage('archive', ['archive', ...store], await freePort(), probed);
    const classifier = await stage('classifier', ['classify'], await freePort(), probed);
    const telegraf = await startForwarding(logUrl, influxdbDoor.url, influxdb, join(folder, 'stream.conf'), command);

    const witness = new Witness();
    const devices = new HttpDoor({
      target: collectorUrl,
      arrived: (body) => witness.arrived(body),
      passed: (passed) => witness.passed(passed),
    });
    await devices.start();
    undo.push(() => devices.stop());
    const ledger = join(folder, 'ledger.ndjson');
    const flow = [
      '--set',
      `generator.rate=${rate}`,
      '--set',
      `generator.batch=${readingsAPost}`,
      '--log-level',
      'warn',
    ];
    const generating = await startStage({
      name: 'generator',
      root: () => root,
      args: ['generate', ...own, '--to', devices.url, '--ledger', ledger, '--data', join(folder, 'generator'), ...flow],
      env: {},
      logs,
      ready: /^/,
    });
    undo.push(() => generating.stop());

    let classifiers = 1;
    return {
      ...{ folder, logs, disks, witness, collectorUrl, influxdb, ledger, tell, command, stop },
      parts: {
        ...{ collector, classifier, archive },
        telegraf: asPart(telegraf, tell),
        kafka: asPart(kafka, tell),
        influxdb: asPart(influxdb, tell),
      },
      doors: { devices, kafka: kafkaDoor, influxdb: influxdbDoor },
      spoolFile: join(folder, 'collector', 'spambase.spool.db'),
      kafkaUrl: kafka.url,
      generator: asPart(generating, tell),
      excused: new Set(),
      async addClassifier() {
        classifiers += 1;
        return stage(`classifier-${classifiers}`, ['classify'], await freePort(), probed);
      },
      setClock: (offsetMs) => writeFile(clockFile, String(offsetMs)),
      useRoot(other) {
        from = other;
      },
    };
  }

  /** A broker whose clients come through a door; it speaks with itself beside it. */
  async function startBroker(dataFolder: string) {
    const [port, inner, controller] = [await freePort(), await freePort(), await freePort()];
    const kafkaDoor = new KafkaDoor(port);
    await kafkaDoor.start();
    undo.push(() => kafkaDoor.stop());
    const at = (name: string, of: number) => `${name}://127.0.0.1:${of}`;
    const kafka = await startKafka({
      port,
      dataFolder,
      properties: {
        listeners: [at('PLAINTEXT', port), at('INNER', inner), at('CONTROLLER', controller)].join(),
        'advertised.listeners': [at('PLAINTEXT', kafkaDoor.port), at('INNER', inner)].join(),
        'inter.broker.listener.name': 'INNER',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT',
        'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      },
    });
    undo.push(() => kafka.stop());
    return { kafka, kafkaDoor };
  }

  async function startForwarding(
    logUrl: string,
    influxdbUrl: string,
    { org, bucket, token }: Stack['influxdb'],
    file: string,
    command: Stack['command'],
  ) {
    await writeFile(file, await command('telegraf-config', '--log', logUrl));
    const telegraf = await startTelegraf({
      configFiles: [join(root, 'telegraf/telegraf.conf'), file],
      env: {
        GAPLINE_INFLUXDB_URL: influxdbUrl,
        GAPLINE_INFLUXDB_TOKEN: token,
        GAPLINE_INFLUXDB_ORG: org,
        GAPLINE_INFLUXDB_BUCKET: bucket,
      },
    });
    undo.push(() => telegraf.stop());
    return telegraf;
  }
}
