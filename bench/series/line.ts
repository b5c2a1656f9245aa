import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createClassifier } from '../../classifier/classifier.ts';
import { type Dataset, encodeNames } from '../../core/dataset/dataset.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Model } from '../../core/model/model.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import simulate, { rate } from '../../examples/ppg/simulator.ts';
import { maskedSamples } from '../../generator/masked-samples.ts';
import { prepareDataset } from '../../training/prepare.ts';
import { labelledRows, labelRows } from '../../training/rows.ts';
import { median, table } from '../report.ts';
import { spent } from '../spent.ts';

const models = fileURLToPath(new URL('../../examples/ppg/models', import.meta.url));
const partitions = 12;
/** A line that runs for long is compiled; a new one takes a third more. */
const warmUps = 2;
/** As `classify` has it. */
const maxBatch = 500;
const startNs = 1_760_000_000n * 1_000_000_000n;
const logger = pino({ level: 'silent' });

/** What devices send, as records of the log, and the same as a table. */
interface Sent {
  readonly records: readonly { readonly key: string; readonly value: Buffer }[];
  readonly dataset: Dataset;
  /** Samples or rows, as the classifier counts them. */
  readonly readings: number;
}

const people = (seeds: readonly number[], seconds: number): Dataset =>
  maskedSamples({ simulate, seeds, seconds, share: 0.1, meanBurst: 25 });

const numbers = (values: Float64Array): (number | null)[] =>
  Array.from(values, (value) => (Number.isNaN(value) ? null : value));

function recordOf(device: string, ns: bigint, rest: object) {
  const time = `${startNs + ns}`;
  return { key: device, value: Buffer.from(JSON.stringify({ stream: 'ppg', device, time, ...rest, received: time })) };
}

/** Records of a second, as the generator of `examples/ppg` sends them. */
function asSamples(): Sent {
  // So long that to start, and memory that grows with the first batches of a partition, are a small part.
  const dataset = people([301], 960);
  const { times = new BigInt64Array(0), devices } = dataset;
  const records = Array.from({ length: dataset.count / rate }, (_, second) => {
    const from = second * rate;
    const device = elementAt(devices?.names ?? [], elementAt(devices?.index ?? [], from));
    const values = { ppg: numbers(dataset.values.subarray(from, from + rate)) };
    return { ns: elementAt(times, from), record: recordOf(device, elementAt(times, from), { rate, values }) };
  });
  records.sort((a, b) => Number(a.ns - b.ns));
  return { records: records.map(({ record }) => record), dataset, readings: dataset.count };
}

/** A whole segment of 2,000 columns a reading. */
function asSegments(): Sent {
  const width = 2_000;
  const { values, ...samples } = people(
    Array.from({ length: 100 }, (_, at) => 301 + at),
    width / rate,
  );
  const count = samples.count / width;
  const fields = Array.from({ length: width }, (_, at) => `sample${at}`);
  const names = Array.from({ length: count }, (_, row) => `person ${row}`);
  const records = names.map((name, row) => {
    const own = numbers(values.subarray(row * width, (row + 1) * width));
    return recordOf(name, 0n, { values: Object.fromEntries(own.map((value, at) => [elementAt(fields, at), value])) });
  });
  const labels = Int32Array.from({ length: count }, (_, row) => elementAt(samples.labels, row * width));
  const shape = { count, width, values, labels, classes: samples.classes, devices: encodeNames(names) };
  const times = new BigInt64Array(count);
  return { records, dataset: { file: 'simulated', fields, columns: [], notes: [], ...shape, times }, readings: count };
}

/** Labels by class, in the order of the names, and what the processor took. */
interface Run {
  readonly byClass: Readonly<Record<string, number>>;
  readonly cpu: number;
}

function countLabels(labels: Iterable<string>): Run['byClass'] {
  const counts: Record<string, number> = {};
  for (const label of [...labels].sort()) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

async function inProcess(model: Model, { dataset }: Sent): Promise<Run> {
  if (!model.steps) throw new Error('the model has no steps');
  const rows = labelledRows(prepareDataset(dataset, model.steps), model.classes);
  const [labels, { cpu }] = await spent(() => labelRows(model.open(), rows));
  return { byClass: countLabels(Array.from(labels, (label) => model.classes[label] ?? 'unknown')), cpu };
}

async function throughLine(model: Model, { readings }: Sent, fields: readonly string[], file: string): Promise<Run> {
  const log = createSqliteLog({ file, logger });
  await log.start();
  const stream = { name: 'ppg', fields, topics: topicsOf('ppg') };
  const classifier = createClassifier({
    ...{ stream, log, logger, registry: new Registry(), maxBatch },
    models: { current: async () => model },
  });
  const [, { cpu }] = await spent(async () => {
    await classifier.start();
    while (classifier.totals().readings < readings) await Promise.race([sleep(20), classifier.failed]);
  });
  await classifier.stop();
  const labels: string[] = [];
  for await (const found of log.tail([stream.topics.predictions], { since: 0, follow: false }))
    labels.push(...found.map(({ value }) => JSON.parse(Buffer.from(value).toString()).label));
  await log.stop();
  return { byClass: countLabels(labels), cpu };
}

async function fill(file: string, { records }: Sent): Promise<void> {
  const log = createSqliteLog({ file, logger });
  await log.start();
  const topics = topicsOf('ppg');
  await log.ensureTopics(
    Object.values(topics).map((name) => ({
      ...{ name, partitions, retentionMs: 3_600_000 },
      compacted: name === topics.state,
    })),
  );
  for (let from = 0; from < records.length; from += 100)
    await log.append(topics.readings, records.slice(from, from + 100), { deadlineMs: 60_000 });
  await log.stop();
}

const cases = [
  { title: 'segments of 2,000 columns, rocket', name: 'segments', version: 1, send: asSegments },
  { title: 'records of 125 samples, windows of 1,000, rocket', name: 'ppg', version: 2, send: asSamples },
  { title: 'records of 125 samples, windows of 1,000, shapelets', name: 'ppg', version: 1, send: asSamples },
] as const;

/** Windows from the log to predictions in the log, beside the prediction of the same windows alone, in turn. */
export async function compareLine(rounds: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-series-line-'));
  const lines: string[][] = [];
  try {
    for (const { title, name, version, send } of cases) {
      const model = await openRegistry({ folder: models, name }).load(version);
      const sent = send();
      const source = join(folder, 'source.db');
      await fill(source, sent);
      const [alone, line]: [number[], number[]] = [[], []];
      let windows = 0;
      for (let round = -warmUps; round < rounds; round++) {
        const file = join(folder, 'log.db');
        copyFileSync(source, file);
        const whole = await throughLine(model, sent, sent.dataset.fields, file);
        const own = await inProcess(model, sent);
        for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
        windows = Object.values(own.byClass).reduce((sum, count) => sum + count, 0);
        if (JSON.stringify(own.byClass) !== JSON.stringify(whole.byClass))
          throw new Error(`${title}: ${JSON.stringify(whole.byClass)}, in process ${JSON.stringify(own.byClass)}`);
        if (round < 0) continue;
        alone.push(own.cpu);
        line.push(whole.cpu);
      }
      for (const end of ['', '-wal', '-shm']) rmSync(source + end, { force: true });
      await model.close();
      const each = (of: readonly number[]) => ((median(of) * 1_000) / windows).toFixed(2);
      lines.push([title, `${windows}`, each(alone), each(line), (median(alone) / median(line)).toFixed(2)]);
      console.error(lines.at(-1)?.join('  '));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return table(['what is sent, estimator', 'windows', 'in process', 'through the line', 'ratio'], lines);
}
