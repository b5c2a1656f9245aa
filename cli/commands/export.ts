import { resolve } from 'node:path';
import { distinctNames, type Form } from '../../core/partitions/names.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { type Point, predictionToPoint, valuePrefix } from '../../core/wire/point.ts';
import { type Prediction, predictionSchema } from '../../core/wire/prediction.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { compareTimes, maxTimeNs, minTimeNs } from '../../core/wire/time.ts';
import { validate } from '../../core/wire/validate.ts';
import { parseRange, rowsOf, type TimeRange } from '../../training/archive.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Column } from '../export-column.ts';
import { ExportFile, exportForm } from '../export-file.ts';
import { createLogger } from '../logger.ts';
import { openLog, openStore } from '../open.ts';
import { isBucket } from '../open-objects.ts';
import { complain, print } from '../print.ts';
import { resolveStream } from '../stream.ts';
import { exportObjects } from './export-objects.ts';

export interface ExportOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
  readonly store?: string;
  readonly to: string;
  readonly range?: string;
  readonly format?: Form;
}

interface Source {
  readonly stream: Stream;
  readonly range: TimeRange;
  readonly loaded: LoadedConfig;
  readonly options: ExportOptions;
}

export type Exported = 'readings' | 'predictions';

/**
 * Writes readings as objects by day and device, where a bucket or a format is named; else readings or predictions into a file, one row for each device and time. Readings are from the archive. Predictions are from the
 * log, or, where `--store` names an InfluxDB, from there.
 */
export async function exportTable(what: Exported, options: ExportOptions): Promise<void> {
  const file = resolve(options.to);
  const form = options.format ?? (isBucket(options.to) ? 'parquet' : undefined);
  if (form === undefined) exportForm(options.to);
  else if (what !== 'readings')
    throw new GaplineError(
      'config-invalid',
      `only readings are exported by day and device; write ${what} into a file: --to FILE.parquet, without --format`,
    );
  const loaded = loadConfig(options.config, options.set);
  const stream = await resolveStream(loaded);
  const range = rangeOf(options.range);
  if (form) return await exportObjects({ stream, range, loaded }, options, form);
  const columns = what === 'readings' ? readingColumns(stream) : predictionColumns;
  using out = new ExportFile(file, what, columns);
  const source = { stream, range, loaded, options };
  for await (const point of what === 'readings' ? readings(source) : predictions(source)) out.add(point);
  print(`${await out.finish()} ${what} in ${options.to}\n`);
}

const rangeOf = (text: string | undefined): TimeRange =>
  text === undefined ? { from: minTimeNs.toString(), to: (maxTimeNs + 1n).toString() } : parseRange(text, Date.now());

function columnsOf(fields: readonly (readonly [name: string, field: string, type: Column['type']])[]): Column[] {
  const names = distinctNames(
    fields.map(([name]) => name),
    ['device', 'time', 'time_ns'],
  );
  return fields.map(([wanted, field, type], at) => ({ name: names[at] ?? wanted, field, type }));
}

const readingColumns = ({ fields }: Stream): Column[] =>
  columnsOf([...fields.map((name) => [name, valuePrefix + name, 'REAL'] as const), ['truth', 'truth', 'TEXT']]);

const predictionColumns: Column[] = columnsOf([
  ...(['label', 'truth', 'probabilities', 'filled', 'model', 'received', 'from', 'facts'] as const).map(
    (field) => [field, field, 'TEXT'] as const,
  ),
  ...(['probability', 'gaps', 'version', 'sensitivity', 'spread', 'latencyMs', 'samples', 'missing'] as const).map(
    (field) => [field, field, 'REAL'] as const,
  ),
]);

async function* readings(source: Source): AsyncGenerator<Point> {
  const { name, fields } = source.stream;
  for await (const point of stored(name, source)) yield* rowsOf(point, fields);
}

function predictions(source: Source): AsyncGenerator<Point> {
  const { stream, options } = source;
  const fromInfluxdb = options.store !== undefined && /^https?:/.test(options.store);
  return fromInfluxdb ? stored(`${stream.name}.predictions`, source) : logged(source);
}

async function* stored(measurement: string, { loaded, options, range }: Source): AsyncGenerator<Point> {
  const { retentionDays } = loaded.config.store;
  const { store: url, data: dataFolder } = options;
  const store = await openStore({ url, dataFolder, logger: await createLogger(options.logLevel), retentionDays });
  await store.start();
  try {
    for await (const points of store.read({ measurement, range })) yield* points;
  } finally {
    await store.stop();
  }
}

const decoder = new TextDecoder();

async function* logged({ stream, options, range }: Source): AsyncGenerator<Point> {
  const logger = await createLogger(options.logLevel);
  const log = await openLog({ url: options.log, dataFolder: options.data, logger });
  await log.start();
  let foreign = 0;
  try {
    for await (const records of log.tail([stream.topics.predictions], { since: 0, follow: false })) {
      for (const { value } of records) {
        const prediction = predictionOf(value);
        if (prediction?.stream !== stream.name) foreign += 1;
        else if (compareTimes(prediction.time, range.from) >= 0 && compareTimes(prediction.time, range.to) < 0)
          yield predictionToPoint(prediction);
      }
    }
  } finally {
    await log.stop();
  }
  if (foreign > 0) complain(`${foreign} records of the topic are no predictions of this stream; they were left out\n`);
}

function predictionOf(value: Uint8Array): Prediction | undefined {
  try {
    return validate(predictionSchema, JSON.parse(decoder.decode(value))).data;
  } catch {
    return undefined;
  }
}
