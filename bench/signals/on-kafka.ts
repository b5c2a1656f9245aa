import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { stringify } from 'yaml';
import { loadKafkajs } from '../../core/log/kafka/client.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { startKafka } from '../../test/servers/kafka.ts';
import { end } from '../child.ts';
import { usage } from '../ingest/cpu.ts';
import { installPython } from '../peers.ts';
import { machine, median, table } from '../report.ts';
import { demandSameValues } from './values.ts';

export interface OnKafkaOptions {
  readonly readings: number;
  readonly rounds: number;
}

/** What one of both did in one round. */
interface Round {
  readonly readingsPerSecond: number;
  /** CPU seconds of its process for a million readings. */
  readonly cpuPerMillion: number;
  readonly windows: number;
}

const root = resolve(import.meta.dirname, '../..');
const devices = 20;
const rate = 100;
const [lengthMs, everyMs] = [1_000, 250];
const partitions = 4;
const steps = [
  { use: 'window', length: `${lengthMs}ms`, every: `${everyMs}ms`, rate },
  { use: 'statistics', features: ['mean'] },
];
const warmUpReadings = 20_000;
/** An output topic that has had no new record for so long has all that will come. */
const quietMs = 2_000;
const deadlineMs = 600_000;

/** A hopping mean of the same readings in the same Kafka by both in turn, and a section of docs/benchmarks.md. */
export async function compareOnKafka(options: OnKafkaOptions): Promise<string> {
  const kafka = await startKafka({ report: (line) => console.error(line) });
  const folder = mkdtempSync(join(tmpdir(), 'gapline-signals-'));
  const { Kafka, logLevel } = await loadKafkajs();
  const client = new Kafka({ brokers: [kafka.broker], logLevel: logLevel.NOTHING });
  try {
    await makeModel(folder);
    const found = { gapline: [] as Round[], quix: [] as Round[] };
    // A broker that has just started lets both wait: the first round is short and is not counted.
    for (let round = 0; round <= options.rounds; round++) {
      const readings = round === 0 ? warmUpReadings : options.readings;
      for (const name of ['gapline', 'quix'] as const) {
        const stream = `${name}${round}`;
        const own = join(folder, stream);
        mkdirSync(own);
        const topics = { readings: 'hops.readings', target: name === 'gapline' ? 'hops.predictions' : 'hops.means' };
        await fill(client, topics, readings);
        const child =
          name === 'gapline' ? startGapline(folder, own, kafka.broker) : startQuix(own, kafka.broker, topics);
        const measured = await measure(client, child, topics.target, readings);
        console.error(JSON.stringify({ round, name, ...measured }));
        if (round > 0) found[name].push(measured);
        else {
          const given = name === 'gapline' ? { predictions: topics.target } : { means: topics.target };
          const same = await demandSameValues(client, { readings: topics.readings, ...given }, steps);
          console.error(`${name}: ${same} windows are those of the readings`);
        }
        await deleteTopics(client);
      }
    }
    return sectionOf(options, found);
  } finally {
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A stream of one value, whose windows hop, with a mean as the only feature and a forest of that. */
async function makeModel(folder: string): Promise<void> {
  mkdirSync(join(folder, 'data'));
  const random = mulberry32(1);
  const lines = ['device,time,x,state'];
  for (let device = 0; device < 10; device++)
    for (let n = 0; n < 10 * rate; n++) {
      const time = new Date(1_760_000_000_000 + (n * 1_000) / rate).toISOString();
      lines.push(`d${device},${time},${(device + random()).toFixed(3)},${device < 5 ? 'low' : 'high'}`);
    }
  writeFileSync(join(folder, 'data', 'train.csv'), `${lines.join('\n')}\n`);
  const config = {
    stream: 'hops',
    data: { train: 'data/train.csv', truth: 'state', device: 'device', time: 'time' },
    steps,
    log: { partitions },
    model: { name: 'hops' },
  };
  writeFileSync(join(folder, 'stream.yaml'), stringify(config));
  const child = spawn(join(root, 'gapline'), ['train', '--config', join(folder, 'stream.yaml')], {
    stdio: ['ignore', 2, 2],
  });
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error('the model of the bench could not be trained');
}

/** Readings as the collector logs them: a value of each device a hundred times a second. */
async function fill(
  client: Kafka,
  { readings, target }: { readings: string; target: string },
  count: number,
): Promise<void> {
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [readings, target].map((topic) => ({ topic, numPartitions: partitions })),
  });
  await admin.disconnect();
  const producer = client.producer();
  await producer.connect();
  const random = mulberry32(3);
  const startNs = BigInt(Date.now() - 3_600_000) * 1_000_000n;
  for (let from = 0; from < count; from += 5_000) {
    const messages = Array.from({ length: Math.min(5_000, count - from) }, (_, at) => {
      const index = from + at;
      const device = `d${index % devices}`;
      const time = `${startNs + BigInt(Math.floor(index / devices)) * BigInt(1e9 / rate)}`;
      const values = { x: Number((random() * 10).toFixed(3)) };
      return { key: device, value: JSON.stringify({ stream: 'hops', device, time, values, received: time }) };
    });
    await producer.send({ topic: readings, messages });
  }
  await producer.disconnect();
}

const startGapline = (folder: string, own: string, broker: string): ChildProcess =>
  spawn(
    join(root, 'gapline'),
    [
      ...['classify', '--config', join(folder, 'stream.yaml'), '--data', own, '--log', `kafka://${broker}`],
      ...['--port', '0', '--log-level', 'warn'],
    ],
    { stdio: ['ignore', 2, 2] },
  );

const startQuix = (
  own: string,
  broker: string,
  { readings, target }: { readings: string; target: string },
): ChildProcess =>
  spawn(
    installPython('quix'),
    [
      join(root, 'bench/python/quix.py'),
      broker,
      readings,
      target,
      String(lengthMs),
      String(everyMs),
      join(own, 'state'),
    ],
    { stdio: ['ignore', 2, 2] },
  );

/** From the first window to the last, by the clock of what arrives in Kafka: starting up is not counted. */
async function measure(client: Kafka, child: ChildProcess, topic: string, readings: number): Promise<Round> {
  const admin = client.admin();
  await admin.connect();
  const pid = child.pid ?? 0;
  const total = async () => (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
  // The last windows of each device stay open.
  const expected = devices * (readings / devices / rate - lengthMs / 1_000) * (1_000 / everyMs);
  const began = performance.now();
  let first: { atMs: number; cpuS: number; windows: number } | undefined;
  let last = { atMs: began, cpuS: 0, windows: 0 };
  try {
    while (first === undefined || last.windows < expected || performance.now() - last.atMs < quietMs) {
      const [atMs, windows] = [performance.now(), await total()];
      if (windows > last.windows) {
        last = { atMs, cpuS: usage(pid).cpuS, windows };
        first ??= last;
      }
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the process that reads ${topic} ended`);
      if (performance.now() - began > deadlineMs) throw new Error(`nothing more comes into ${topic}`);
      await sleep(20);
    }
  } finally {
    await admin.disconnect();
    await end(child);
  }
  // The windows that were there at the first look are not of the time that is measured.
  const share = (last.windows - first.windows) / last.windows;
  const counted = readings * share;
  return {
    readingsPerSecond: Math.round(counted / ((last.atMs - first.atMs) / 1_000)),
    cpuPerMillion: Number((((last.cpuS - first.cpuS) / counted) * 1e6).toFixed(1)),
    windows: last.windows,
  };
}

/** Each round begins with a Kafka that knows neither of both. */
async function deleteTopics(client: Kafka): Promise<void> {
  const admin = client.admin();
  await admin.connect();
  const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
  await admin.deleteGroups(groups).catch(() => {});
  await admin.deleteTopics({ topics: (await admin.listTopics()).filter((name) => !name.startsWith('__')) });
  await sleep(1_000);
  await admin.disconnect();
}

function sectionOf(
  { readings, rounds }: OnKafkaOptions,
  found: Readonly<Record<'gapline' | 'quix', readonly Round[]>>,
): string {
  const of = (name: 'gapline' | 'quix', figure: keyof Round) => median(found[name].map((round) => round[figure]));
  const ratio = (figure: 'readingsPerSecond' | 'cpuPerMillion') => of('gapline', figure) / of('quix', figure);
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const rangeOf = (rounds: readonly Round[]) => {
    const rates = rounds.map(({ readingsPerSecond }) => readingsPerSecond);
    return `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`;
  };
  const row = (title: string, name: 'gapline' | 'quix') => [
    title,
    `${whole(of(name, 'readingsPerSecond'))} (${rangeOf(found[name])})`,
    of(name, 'cpuPerMillion').toFixed(1),
  ];
  // Offsets count the markers of transactions, too.
  if (Math.abs(of('gapline', 'windows') / of('quix', 'windows') - 1) > 0.03)
    throw new Error('both should have given as many windows');
  return `\`npm run bench -- signals --only kafka\`: the mean of windows of ${lengthMs} ms, one every ${everyMs} ms, by device, over ${readings.toLocaleString('en')} readings of
${devices} devices that are in Kafka already, one value each, ${partitions} partitions; medians of ${rounds} rounds in turn, from the first window that comes out to the
last. Quix Streams 3.28.1 writes the means, at least once. Gapline's classifier makes a row of each mean, labels it by a forest, and writes
predictions with probabilities, exactly once, with checkpoints. In a first round the windows of both, and the means of Quix Streams, are
checked against those that Gapline's steps make of the readings. ${machine()} Load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.

${table(['', 'readings/s', 'CPU-seconds a million'], [row('Quix Streams', 'quix'), row('Gapline', 'gapline')])}

Gapline takes ${ratio('readingsPerSecond').toFixed(1)} times the readings a second, with ${(1 / ratio('cpuPerMillion')).toFixed(1)} times fewer CPU-seconds.
`;
}
