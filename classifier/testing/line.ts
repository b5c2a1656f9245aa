import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { kafkaUnderTest, openTransactions } from '../../core/log/kafka/testing.ts';
import { type StoredRecord, totalLag } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import type { Model, ModelSource, ModelWatcher } from '../../core/model/model.ts';
import { type DeadLetter, deadLetterSchema } from '../../core/wire/dead-letter.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { type Fact, type FactKinds, factKey } from '../../core/wire/fact.ts';
import { type Prediction, predictionSchema } from '../../core/wire/prediction.ts';
import { type Status, statusSchema } from '../../core/wire/status.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { type ClassifierOptions, classifierGroup, createClassifier, inputsOf } from '../classifier.ts';

export const silent = pino({ level: 'silent' });
export const patient = { timeout: 60_000, interval: 20 };
export const fields = ['a', 'b'];

export type Engine = 'SQLite' | 'Kafka';

async function openLog(engine: Engine, prefix: string) {
  if (engine === 'Kafka') {
    const site = await kafkaUnderTest({ prefix });
    return {
      log: site.create(), // The same prefix: a transaction that a killed process left open is ended by whoever has its id.
      address: { ...site.address, prefix },
      untilReadable: (topics: readonly string[]) => expect.poll(() => openTransactions(topics), patient).toEqual([]),
      remove: () => site.remove(prefix),
    };
  }
  const folder = mkdtempSync(join(tmpdir(), 'gapline-classifier-'));
  const file = join(folder, 'log.db');
  const log = createSqliteLog({ file, logger: silent, backoff: { firstMs: 5, maxMs: 20 } });
  return {
    log,
    address: { engine: 'sqlite', file } as const,
    untilReadable: async () => {},
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface ReadingParts {
  readonly device?: string;
  readonly time?: number;
  /** With a rate, arrays of samples. */
  readonly values?: Record<string, number | null> | Record<string, (number | null)[]>;
  readonly rate?: number;
  readonly truth?: string;
  readonly endsSegment?: true;
}

const textOf = ({ value }: StoredRecord): string => Buffer.from(value).toString();

/** A log of its own for one test, with the topics of a stream of two values, and what a test does with them. */
export async function openLine(engine: Engine = 'SQLite', facts?: FactKinds) {
  const name = `t${randomUUID().slice(0, 8)}`;
  const stream = { name, fields, topics: topicsOf(name), ...(facts && { facts }) };
  const { log, address, untilReadable, remove } = await openLog(engine, name);
  await log.start();
  await log.ensureTopics(
    Object.values(stream.topics).map((topic) => ({
      ...{ name: topic, partitions: 3, retentionMs: 3_600_000 },
      compacted: topic === stream.topics.state || topic === stream.topics.facts,
    })),
  );
  const stops: (() => Promise<void>)[] = [];

  const recordOf = ({ device = 'd', time = 1, values = { a: 1, b: 2 }, truth, rate, endsSegment }: ReadingParts) => {
    const known = {
      stream: name,
      device,
      time: String(time),
      ...(rate && { rate }),
      ...(endsSegment && { endsSegment }),
      values,
      received: `${Date.now()}000000`,
    };
    return { key: device, value: Buffer.from(JSON.stringify({ ...known, ...(truth !== undefined && { truth }) })) };
  };

  async function send(...readings: readonly (ReadingParts | string | Uint8Array)[]): Promise<void> {
    const records = readings.map((reading) =>
      typeof reading === 'string' || reading instanceof Uint8Array
        ? { key: 'd', value: Buffer.from(reading) }
        : recordOf(reading),
    );
    await log.append(stream.topics.readings, records, { deadlineMs: 30_000 });
  }

  /** Facts of another system, as the collector appends them. */
  async function tell(...facts: readonly Omit<Fact, 'stream' | 'received'>[]): Promise<void> {
    const records = facts.map((fact) => ({
      ...{ key: factKey(fact), partitionKey: fact.subject },
      value: Buffer.from(JSON.stringify({ stream: name, ...fact, received: `${Date.now()}000000` })),
    }));
    await log.append(stream.topics.facts, records, { deadlineMs: 30_000 });
  }

  /** Until what was labelled can be read: Kafka answers a commit, and shows its offsets, a moment before its records are to be had. */
  const untilVisible = () => untilReadable([stream.topics.predictions, stream.topics.deadLetters]);

  /** Every record of a topic. */
  async function all(topic: string): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    for await (const batch of log.tail([topic], { since: 0, follow: false })) records.push(...batch);
    return records;
  }

  /** A classifier at work, until the test ends. */
  async function classify(models: Model | ModelSource, changes: Partial<ClassifierOptions> = {}) {
    const registry = new Registry();
    const source = 'current' in models ? models : { current: async () => models };
    const instance = 'one';
    const options = { stream, log, models: source, logger: silent, registry, instance, ...changes };
    const classifier = createClassifier(options);
    await classifier.start();
    stops.push(() => classifier.stop());
    const taken = async (readings: number) => {
      await expect.poll(() => classifier.totals().readings, patient).toBe(readings);
      await untilVisible();
    };
    return Object.assign(classifier, { registry, taken });
  }

  return {
    log,
    /** How a process of its own finds the log. */
    address,
    stream,
    send,
    tell,
    all,
    untilVisible,
    classify,
    /** Every prediction of a topic, held to the schema; by device, then in the order of the log. */
    async predictions(topic = stream.topics.predictions): Promise<Prediction[]> {
      const found = (await all(topic)).map((record) => predictionSchema.parse(JSON.parse(textOf(record))));
      return found.sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0));
    },
    async deadLetters(): Promise<DeadLetter[]> {
      const found = await all(stream.topics.deadLetters);
      return found.map((record) => deadLetterSchema.parse(JSON.parse(textOf(record))));
    },
    /** The last status of the classifier. */
    async status(): Promise<Status> {
      const found = (await all(stream.topics.status)).map((record) => statusSchema.parse(JSON.parse(textOf(record))));
      return found.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1)!;
    },
    async close() {
      for (const stop of stops.splice(0).reverse()) await stop();
      await log.stop();
      await remove();
    },
  };
}

export type Line = Awaited<ReturnType<typeof openLine>>;

/** Until the classifiers of a line have committed all that was sent to it, and what they made of it can be read. */
export async function untilTaken({ log, stream, untilVisible }: Line, waits = patient): Promise<void> {
  const lag = async () => totalLag(await log.lag(classifierGroup(stream), inputsOf(stream)));
  await expect.poll(lag, waits).toBe(0);
  await untilVisible();
}

/** A source whose version can be changed and refused by hand, and which has earlier versions, too. */
export function changingSource(first: Model, ...others: readonly Model[]) {
  let watcher: ModelWatcher | undefined;
  return {
    current: async () => first,
    async load(wanted: number): Promise<Model> {
      const found = others.find(({ identity }) => identity.version === wanted);
      if (!found) throw new GaplineError('model-missing', `there is no version ${wanted}`, { retryable: false });
      return found;
    },
    watch(_serving: Pick<Model, 'identity'>, given: ModelWatcher) {
      watcher = given;
      return {
        async stop() {
          watcher = undefined;
        },
      };
    },
    change: (model: Model) => watcher!.onChange(model),
    refuse: (error: unknown) => watcher!.onRefused(error),
    registry: (error: unknown) => watcher?.onRegistry?.(error),
  };
}
