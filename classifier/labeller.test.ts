import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import type { History, StoredRecord } from '../core/log/port.ts';
import { createSqliteLog } from '../core/log/sqlite.ts';
import type { Model } from '../core/model/model.ts';
import { createReporter } from '../core/stage/reporter.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { type Stream, topicsOf } from '../core/wire/stream.ts';
import { createLabeller } from './labeller.ts';
import { createMetrics } from './metrics.ts';
import { createStreamModel } from './stream-model.ts';
import { doubleModel } from './testing/doubles.ts';
import { silent } from './testing/line.ts';
import { Tally } from './totals.ts';

const stream = { name: 's', fields: ['a', 'b'], topics: topicsOf('s') };

function labellerOf(champion: Model, of: Stream = stream) {
  const note = vi.fn();
  const labeller = createLabeller({
    stream: of,
    // Never read: no hot swap here reads the past from the log.
    log: createSqliteLog({ file: ':memory:', logger: silent }),
    group: 's.classifier',
    champion: createStreamModel(of, champion),
    predictInShadow: async () => undefined,
    tally: new Tally(),
    metrics: createMetrics(new Registry()),
    logger: silent,
    driftThreshold: 0.2,
    now: Date.now,
    reporter: { ...createReporter({ stream: of, stage: 'classifier' }), noteError: note },
  });
  return { labeller, note };
}

const historyOf = (...batches: (readonly StoredRecord[] | Promise<never[]> | Error)[]): History => ({
  committed: new Map(),
  checkpoint: async () => undefined,
  async *from() {},
  async *since() {
    for (const batch of batches) {
      if (batch instanceof Error) throw batch;
      yield await batch;
    }
  },
});

const batchOf = (partition: number) => ({
  topic: 's.readings',
  partition,
  records: [],
  signal: new AbortController().signal,
});

test('a partition that was never assigned is refused', async () => {
  const { labeller } = labellerOf(doubleModel());
  await expect(labeller.transform(batchOf(3))).rejects.toThrow('Partition 3 was never assigned');
});

test('an assignment that is under way while the classifier stops ends', async () => {
  const past = Promise.withResolvers<never[]>();
  const closed = vi.fn();
  const { labeller } = labellerOf(doubleModel({ memoryMs: 1_000, closed }));
  const assigned = labeller.assigned(0, historyOf(past.promise));
  await labeller.close();
  past.resolve([]);
  await assigned;
  expect(closed).toHaveBeenCalledTimes(1);
});

test('a version that comes while a partition is assigned is the one that labels it', async () => {
  const past = Promise.withResolvers<never[]>();
  const closed = vi.fn();
  const { labeller } = labellerOf(doubleModel({ memoryMs: 1_000, closed }));
  const assigned = labeller.assigned(0, historyOf(past.promise));
  const next = createStreamModel(stream, doubleModel({ version: 2 }));
  labeller.promote(next);
  past.resolve([]);
  await assigned;
  expect(labeller.champion).toBe(next);
  expect(closed).toHaveBeenCalledTimes(1);
  expect((await labeller.transform(batchOf(0))).outputs).toEqual([]);
  await labeller.close();
});

test('a challenger that cannot start is dismissed; a log that is unavailable is not its fault', async () => {
  const { labeller, note } = labellerOf(doubleModel());
  const broken = {
    ...doubleModel({ version: 2 }),
    open: () => {
      throw new Error('no file');
    },
  };
  labeller.setChallenger(createStreamModel(stream, broken));
  await labeller.assigned(0, historyOf());
  expect(labeller.challenger).toBeUndefined();
  expect(note).toHaveBeenCalledWith('challenger double version 2: no file');

  labeller.setChallenger(createStreamModel(stream, doubleModel({ version: 3, memoryMs: 1_000 })));
  const unavailable = new GaplineError('log-unavailable', 'unavailable', { retryable: true });
  await expect(labeller.assigned(1, historyOf(unavailable))).rejects.toBe(unavailable);
  expect(labeller.challenger?.model.identity.version).toBe(3);
  await labeller.close();
});

test('an assignment that was given up leaves nothing behind once its partition is revoked, or assigned anew', async () => {
  const { labeller } = labellerOf(doubleModel({ memoryMs: 1_000 }));
  const [past, later] = [Promise.withResolvers<never[]>(), Promise.withResolvers<never[]>()];
  const first = labeller.assigned(0, historyOf(past.promise));
  labeller.revoked(0);
  past.resolve([]);
  await first;
  await expect(labeller.transform(batchOf(0))).rejects.toThrow('Partition 0 was never assigned');

  const second = labeller.assigned(0, historyOf(later.promise));
  labeller.revoked(0);
  await labeller.assigned(0, historyOf());
  const before = labeller.save(0);
  later.reject(new Error('the history of an assignment that counts no more'));
  await expect(second).rejects.toThrow();
  expect(labeller.save(0)).toEqual(before);
  expect((await labeller.transform(batchOf(0))).outputs).toEqual([]);
  await labeller.close();
});

test('an assignment that ends after the classifier was closed leaves nothing behind', async () => {
  const past = Promise.withResolvers<never[]>();
  const { labeller } = labellerOf(doubleModel({ memoryMs: 1_000 }));
  const assigned = labeller.assigned(0, historyOf(past.promise));
  await labeller.close();
  past.resolve([]);
  await assigned;
  await expect(labeller.transform(batchOf(0))).rejects.toThrow('Partition 0 was never assigned');
});

test('facts that end none may come out of order, but not where a model remembers the order of its rows', async () => {
  const ward = { ...stream, facts: { admission: [] } };
  const steps = [{ use: 'gate', during: 'admission', lateness: '1h' }] as const;
  const admitted = { stream: 's', subject: 'p', kind: 'admission', from: '5', values: {}, received: '0' };
  const reading = { stream: 's', device: 'p', time: '9', values: { a: 1, b: 2 }, received: '0' };
  const recordOf = (topic: string, value: object): StoredRecord => ({
    ...{ topic, partition: 0, offset: 0n, key: 'p', arrivedMs: 0 },
    value: Buffer.from(JSON.stringify(value)),
  });
  async function commutes(memoryMs: number, topic: string, ...values: readonly object[]): Promise<readonly unknown[]> {
    const { labeller } = labellerOf(doubleModel({ memoryMs, steps }), ward);
    await labeller.assigned(0, historyOf());
    const found = [];
    for (const value of values) {
      const transformed = await labeller.transform({ ...batchOf(0), topic, records: [recordOf(topic, value)] });
      found.push(transformed.commutes);
      transformed.committed?.();
    }
    await labeller.close();
    return found;
  }
  const ended = { ...admitted, to: '8' };
  const deleted = { ...admitted, values: null };
  expect(await commutes(0, 's.facts', admitted, { ...ended, to: '10' }, ended, deleted, deleted)).toEqual([
    ...[true, false, false, false, true],
  ]);
  expect(await commutes(0, 's.readings', reading)).toEqual([true]);
  expect(await commutes(1_000, 's.facts', admitted)).toEqual([false]);
  expect(await commutes(1_000, 's.readings', reading)).toEqual([false]);
});
