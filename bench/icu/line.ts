import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { stringify } from 'yaml';
import { createClassifier } from '../../classifier/classifier.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import type { Rows } from '../../core/model/rows.ts';
import { topicsOf } from '../../core/wire/stream.ts';

const root = resolve(import.meta.dirname, '../..');
/** The heart rate: whether it is above this is what the others are to tell. */
const told = { column: 'c14', above: 88 };
/** Of the stays, so many train; the line labels the others. */
const trainingStays = 110;

export interface LineResult {
  readonly readings: number;
  /** Of the values that the readings could have. */
  readonly gapShare: number;
  readonly perSecond: number;
  readonly right: number;
  readonly scored: number;
  /** What always predicting the more frequent class would be. */
  readonly majority: number;
}

/** Trains on most stays and labels the rest by one classifier on the embedded log, every gap as it is. */
export async function runLine(
  folder: string,
  stays: Rows & { readonly names: readonly string[] },
): Promise<LineResult> {
  const { count, width, values, devices, times, names } = stays;
  const truthColumn = names.indexOf(told.column);
  const fields = names.filter((_, column) => column !== truthColumn);
  const cellsOf = (row: number) => Array.from(values.subarray(row * width, (row + 1) * width));
  const truthOf = (row: number) => (cellsOf(row)[truthColumn] ?? Number.NaN) > told.above;
  const isTold = (row: number) => !Number.isNaN(cellsOf(row)[truthColumn]);
  const stayOf = (row: number) => Number(devices[row]?.slice('stay-'.length));
  const known = Array.from({ length: count }, (_, row) => row).filter(isTold);
  const own = (row: number) => cellsOf(row).filter((_, column) => column !== truthColumn);

  const lines = known
    .filter((row) => stayOf(row) < trainingStays)
    .map((row) => `${own(row).map((cell) => (Number.isNaN(cell) ? '' : cell))},${truthOf(row) ? 'high' : 'low'}`);
  writeFileSync(join(folder, 'train.csv'), [`${fields},state`, ...lines].join('\n'));
  const config = {
    ...{ stream: 'stays', data: { train: 'train.csv', truth: 'state', fields }, model: { name: 'stays' } },
    // Most values of most readings are missing: none of them is unknown for that.
    training: { imputer: 'gaussian', trees: 100, seed: 1, maxGaps: fields.length },
  };
  writeFileSync(join(folder, 'stream.yaml'), stringify(config));
  const args = ['train', '--config', join(folder, 'stream.yaml')];
  if (spawnSync(join(root, 'gapline'), args, { stdio: ['ignore', 2, 2] }).status !== 0)
    throw new Error('the model of the stays could not be trained');

  const model = await openRegistry({ folder: join(folder, 'models'), name: 'stays' }).load(1);
  const stream = { name: 'stays', fields, topics: topicsOf('stays') };
  const logger = pino({ level: 'silent' });
  const log = createSqliteLog({ file: join(folder, 'log.db'), logger });
  await log.start();
  try {
    const topics = Object.values(stream.topics);
    await log.ensureTopics(topics.map((name) => ({ name, partitions: 4, retentionMs: 86_400_000 })));
    const rows = known.filter((row) => stayOf(row) >= trainingStays);
    const records = rows.map((row) => ({
      key: devices[row] ?? '',
      value: Buffer.from(
        JSON.stringify({
          ...{ stream: 'stays', device: devices[row], time: `${times[row]}`, truth: truthOf(row) ? 'high' : 'low' },
          values: Object.fromEntries(own(row).map((cell, at) => [fields[at], Number.isNaN(cell) ? null : cell])),
          received: `${times[row]}`,
        }),
      ),
    }));
    await log.append(stream.topics.readings, records, { deadlineMs: 60_000 });
    const models = { current: async () => model };
    const classifier = createClassifier({ stream, log, models, logger, registry: new Registry() });
    const startedMs = performance.now();
    await classifier.start();
    while (classifier.totals().labels + classifier.totals().unknown < rows.length) await sleep(2);
    const seconds = (performance.now() - startedMs) / 1_000;
    const { scored, right, gaps } = classifier.totals();
    await classifier.stop();
    const high = rows.filter(truthOf).length / rows.length;
    return {
      ...{ readings: rows.length, perSecond: rows.length / seconds, right, scored },
      ...{ gapShare: gaps / (rows.length * fields.length), majority: Math.max(high, 1 - high) },
    };
  } finally {
    await log.stop();
  }
}
