import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { EventLog, StoredRecord } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Model, ModelSource, ModelWatcher } from '../../core/model/model.ts';
import { type Prediction, predictionSchema } from '../../core/wire/prediction.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { type ClassifierOptions, createClassifier } from '../classifier.ts';

export const stream = { name: 's', fields: ['a', 'b'], topics: topicsOf('s') };
export const silent = pino({ level: 'silent' });

/** A log on a file of its own, for one test. */
export async function openLine({ partitions = 3 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-classifier-'));
  const file = join(folder, 'log.db');
  const open = async () => {
    const log = createSqliteLog({ file, logger: silent, backoff: { firstMs: 5, maxMs: 20 } });
    await log.start();
    return log;
  };
  const log = await open();
  await log.ensureTopics(Object.values(stream.topics).map((name) => ({ name, partitions, retentionMs: 3_600_000 })));
  return {
    log,
    /** Another connection to the same file, as another process would have. */
    open,
    async close() {
      await log.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface ReadingParts {
  readonly device?: string;
  readonly time?: number;
  readonly values?: Record<string, number | null>;
  readonly truth?: string;
}

export const readingOf = ({ device = 'd', time = 1, values = { a: 1, b: 2 }, truth }: ReadingParts) => ({
  stream: 's',
  device,
  time: String(time),
  values,
  ...(truth !== undefined && { truth }),
  received: `${Date.now()}000000`,
});

export async function send(log: EventLog, ...readings: readonly (ReadingParts | string | Uint8Array)[]): Promise<void> {
  const records = readings.map((reading) =>
    typeof reading === 'string' || reading instanceof Uint8Array
      ? { key: 'd', value: Buffer.from(reading) }
      : { key: reading.device ?? 'd', value: Buffer.from(JSON.stringify(readingOf(reading))) },
  );
  await log.append(stream.topics.readings, records, { deadlineMs: 10_000 });
}

/** Every record of a topic. */
export async function all(log: EventLog, topic: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const batch of log.tail([topic], { since: 0, follow: false })) records.push(...batch);
  return records;
}

export const textOf = ({ value }: StoredRecord): string => Buffer.from(value).toString();

/** Every prediction of a topic, held to the schema; by device, then in the order of the log. */
export async function predictions(log: EventLog, topic = stream.topics.predictions): Promise<Prediction[]> {
  const found = (await all(log, topic)).map((record) => predictionSchema.parse(JSON.parse(textOf(record))));
  return found.sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0));
}

export const sourceOf = (model: Model): ModelSource => ({ current: async () => model });

export function classifierOn(log: EventLog, models: ModelSource, changes: Partial<ClassifierOptions> = {}) {
  const registry = new Registry();
  const classifier = createClassifier({ stream, log, models, logger: silent, registry, instance: 'one', ...changes });
  return Object.assign(classifier, { registry });
}

/** A source whose version can be changed, refused, and looked at. */
export function changingSource(first: Model) {
  let watcher: ModelWatcher | undefined;
  return {
    current: async () => first,
    watch(_serving: Pick<Model, 'identity'>, told: ModelWatcher) {
      watcher = told;
      return {
        async stop() {
          watcher = undefined;
        },
      };
    },
    change: (model: Model) => watcher!.onChange(model),
    refuse: (error: unknown) => watcher!.onRefused(error),
    watched: () => watcher !== undefined,
  };
}
