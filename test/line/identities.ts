import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import type { EventLog, StoredRecord } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import type { Point } from '../../core/wire/point.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { maxTimeNs, minTimeNs } from '../../core/wire/time.ts';

const logger = pino({ level: 'silent' });

/** A reading's identity within one stream. */
export const identityOf = ({ device, time }: { device: string; time: string }): string => `${device} ${time}`;

/** What a generator's ledger says was accepted. */
export function ledgerIdentities(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => identityOf(JSON.parse(line) as { device: string; time: string }));
}

/** What `take` takes from each record of a topic, in the order of its partitions. */
export async function takeRecords<T, R>(
  log: EventLog,
  topic: string,
  take: (record: T, stored: StoredRecord) => R,
): Promise<R[]> {
  const found: R[] = [];
  for await (const records of log.tail([topic], { since: 0, follow: false })) {
    for (const stored of records) found.push(take(JSON.parse(Buffer.from(stored.value).toString()) as T, stored));
  }
  return found;
}

/** What `take` takes from each point of a measurement. */
export async function takePoints<R>(store: SeriesStore, measurement: string, take: (point: Point) => R): Promise<R[]> {
  const found: R[] = [];
  const range = { from: String(minTimeNs), to: String(maxTimeNs + 1n) };
  for await (const points of store.read({ measurement, range })) {
    for (const point of points) found.push(take(point));
  }
  return found;
}

/** Every record of a topic of a log that is open for no longer than that. */
export async function recordsFrom<T>(log: EventLog, topic: string): Promise<T[]> {
  await log.start();
  try {
    return await takeRecords(log, topic, (record: T) => record);
  } finally {
    await log.stop();
  }
}

/** Every record of a topic of an embedded log. */
export const recordsOf = <T>(file: string, topic: string): Promise<T[]> =>
  recordsFrom<T>(createSqliteLog({ file, logger }), topic);

export const predictionsOf = (file: string, topic: string): Promise<Prediction[]> => recordsOf<Prediction>(file, topic);

/** Every identity of a measurement of an embedded store. */
export async function archivedIdentities(file: string, measurement: string): Promise<string[]> {
  const store = createSqliteStore({ file, logger });
  await store.start();
  try {
    return await takePoints(store, measurement, identityOf);
  } finally {
    await store.stop();
  }
}

export const identities = (items: readonly { device: string; time: string }[]): string[] => items.map(identityOf);
