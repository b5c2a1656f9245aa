import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import type { EventLog, LogRecord } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import { readingToPoint } from '../../core/wire/point.ts';
import { type BenchReading, BenchReadings, devices, stepMs } from './readings.ts';

/** Readings of a step: 400 seconds of a day at 50 readings a second. */
const step = 20_000;
const perAppend = 1_000;
const topics = ['readings', 'predictions'];
const background = { everyMs: 100, paced: false };
/** The most records of a partition that are not in a block. */
const rowsOfPartition = `
  SELECT max(p.next - coalesce(
    (SELECT max(id) & ((1 << 44) - 1) FROM log_blocks WHERE id >= p.id << 44 AND id < (p.id + 1) << 44) + 1, p.first
  )) FROM log_partitions p`;

/** How the disk filled. */
export interface Growth {
  readonly compress: boolean;
  readonly readings: number;
  /** Bytes of the file and its write-ahead log after each step of readings. */
  readonly bytes: readonly number[];
  /** How the file grew by reading, from a fifth of the readings on. */
  readonly bytesAReading: number;
  /** What is there beside that: the tables, and what waits to be compressed. */
  readonly baseMb: number;
  /** Bytes after a clean stop. */
  readonly stopped: number;
}

/**
 * A day in less time: readings, predictions and points are written as the line writes them, in steps, and each step waits until the
 * background has compressed it, as it would have at 50 readings a second.
 */
export async function compressedDay({ compress, readings }: { compress: boolean; readings: number }): Promise<Growth> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-disk-'));
  const file = join(folder, 'gapline.db');
  const options = { file, logger: pino({ level: 'warn' }), packing: compress && background };
  const [log, store] = [createSqliteLog(options), createSqliteStore(options)];
  const size = () =>
    [file, `${file}-wal`].reduce((sum, each) => sum + (statSync(each, { throwIfNoEntry: false })?.size ?? 0), 0);
  const bytes: number[] = [];
  try {
    await log.start();
    await log.ensureTopics(topics.map((name) => ({ name, partitions: 12, retentionMs: 7 * 86_400_000 })));
    await store.start();
    const source = new BenchReadings(Date.now() - readings * stepMs);
    for (let sent = 0; sent < readings; sent += step) {
      await write(log, store, source);
      if (compress) await untilPacked(file);
      bytes.push(size());
      console.log(`${sent + step} readings: ${size()} bytes`);
    }
  } finally {
    await store.stop();
    await log.stop();
  }
  const stopped = size();
  rmSync(folder, { recursive: true, force: true });
  const skipped = Math.floor(bytes.length / 5);
  const { slope, base } = trend(bytes.slice(skipped), skipped + 1);
  return { compress, readings, bytes, bytesAReading: slope / step, baseMb: base / 1e6, stopped };
}

async function write(log: EventLog, store: SeriesStore, source: BenchReadings): Promise<void> {
  for (let done = 0; done < step; done += perAppend) {
    const readings = Array.from({ length: perAppend }, () => source.next());
    const received = `${Date.now()}000000`;
    const records = (of: (reading: BenchReading) => object): LogRecord[] =>
      readings.map((reading) => ({ key: reading.device, value: Buffer.from(JSON.stringify(of(reading))) }));
    const readingOf = (reading: BenchReading) => ({ stream: 'spambase', ...reading, received });
    await log.append('readings', records(readingOf), { deadlineMs: 60_000 });
    const predictions = records((reading) => ({ ...predictionOf(source, reading), received, latencyMs: 6 }));
    await log.append('predictions', predictions, { deadlineMs: 60_000 });
    await store.write(readings.map((reading) => readingToPoint(readingOf(reading), source.names.length)));
  }
}

/** As the classifier writes it; probabilities have all of their digits, which no model's have so often. */
function predictionOf({ names, random }: BenchReadings, { device, time, values, truth }: BenchReading): object {
  const ham = random();
  const [label, probability] = ham > 0.5 ? ['ham', ham] : ['spam', 1 - ham];
  const gaps = names.filter((name) => values[name] === null);
  return {
    ...{ stream: 'spambase', device, time, label, probability, probabilities: { ham, spam: 1 - ham } },
    // Means of the training data, which have all of their digits too.
    filled: Object.fromEntries(gaps.map((name) => [name, Math.sqrt(2 + names.indexOf(name)) / 10])),
    ...{ gaps: gaps.length, model: { name: 'spambase', version: 2 }, truth },
  };
}

async function untilPacked(file: string): Promise<void> {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  const one = (sql: string) => Number(Object.values(database.prepare(sql).get() ?? {})[0]);
  while (one(rowsOfPartition) >= 512 || one('SELECT count(*) FROM store_rows') > devices * 32) await sleep(100);
  database.close();
}

/** The line of least squares through values at `first`, `first + 1`, … */
function trend(values: readonly number[], first: number): { slope: number; base: number } {
  const middle = first + (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [above, below] = [0, 0];
  for (const [at, value] of values.entries()) {
    above += (first + at - middle) * (value - mean);
    below += (first + at - middle) ** 2;
  }
  const slope = above / below;
  return { slope, base: mean - slope * middle };
}
