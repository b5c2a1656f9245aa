import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import type { Prediction } from '../../core/wire/prediction.ts';

const logger = pino({ level: 'silent' });

/** A reading's identity within one stream. */
const identityOf = ({ device, time }: { device: string; time: string }): string => `${device} ${time}`;

/** What a generator's ledger says was accepted. */
export function ledgerIdentities(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => identityOf(JSON.parse(line) as { device: string; time: string }));
}

/** Every record of a topic of an embedded log, in the order of its partitions. */
export async function recordsOf<T>(file: string, topic: string): Promise<T[]> {
  const log = createSqliteLog({ file, logger });
  await log.start();
  const found: T[] = [];
  for await (const records of log.tail([topic], { since: 0, follow: false })) {
    for (const { value } of records) found.push(JSON.parse(Buffer.from(value).toString()) as T);
  }
  await log.stop();
  return found;
}

export const predictionsOf = (file: string, topic: string): Promise<Prediction[]> => recordsOf<Prediction>(file, topic);

/** Every identity of a measurement of an embedded store. */
export async function archivedIdentities(file: string, measurement: string): Promise<string[]> {
  const store = createSqliteStore({ file, logger });
  await store.start();
  const found: string[] = [];
  const range = { from: '-9223372036854775806', to: '9223372036854775806' };
  for await (const points of store.read({ measurement, range })) found.push(...points.map(identityOf));
  await store.stop();
  return found;
}

export const identities = (items: readonly { device: string; time: string }[]): string[] => items.map(identityOf);
