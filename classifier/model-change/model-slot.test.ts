import { expect, test, vi } from 'vitest';
import type { Rows } from '../../core/model/rows.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { ReadingBatch } from '../decode.ts';
import { createStreamModel } from '../stream-model.ts';
import { doubleModel } from '../testing/doubles.ts';
import { absorb, ModelSlot, openModelSession } from './model-slot.ts';

const stream = { name: 's', fields: ['a', 'b'], topics: topicsOf('s') };
const modelOf = (version: number, memoryMs = 0) => createStreamModel(stream, doubleModel({ version, memoryMs }));

const rowsOf = (a: number): Rows => ({
  count: 1,
  width: 2,
  values: Float64Array.of(a, Number.NaN),
  devices: ['d'],
  times: BigInt64Array.of(1n),
});

function slotOf(version = 1) {
  const first = openModelSession(modelOf(version));
  const events = { released: vi.fn(), failed: vi.fn() };
  return { slot: new ModelSlot(first, events), first, ...events };
}

test('the next session takes over at once where no batch is under way', () => {
  const { slot, first, released } = slotOf();
  const next = openModelSession(modelOf(2));
  slot.prepare(next);
  expect(slot.take()).toBe(first);
  slot.committed({ rows: () => rowsOf(1) }, 0n);
  slot.ready(next, 0n);
  expect(slot.current).toBe(next);
  expect(released).toHaveBeenCalledTimes(1);
});

test('the next session waits for the batch under way', () => {
  const { slot, first } = slotOf();
  const next = openModelSession(modelOf(2));
  slot.take();
  slot.prepare(next);
  slot.ready(next, 0n);
  expect(slot.current).toBe(first);
  slot.committed({ rows: () => rowsOf(1) }, 0n);
  expect(slot.current).toBe(next);
});

test('a batch that failed is tried again by the next session', () => {
  const { slot } = slotOf();
  const next = openModelSession(modelOf(2));
  slot.take();
  slot.prepare(next);
  slot.ready(next, 0n);
  expect(slot.take()).toBe(next);
});

test('what is committed during the warm-up is replayed last, and nothing twice', () => {
  const { slot } = slotOf();
  const next = openModelSession(modelOf(2, 1_000));
  const warm = vi.spyOn(next.session, 'warm');
  slot.prepare(next);
  for (const [offset, a] of [
    [9n, 5],
    [10n, 6],
    [11n, 7],
  ] as const) {
    slot.take();
    slot.committed({ rows: () => rowsOf(a) }, offset);
  }
  slot.ready(next, 10n);
  expect(warm.mock.calls.map(([rows]) => rows.values[0])).toEqual([6, 7]);
});

test('rows that are kept are copies', () => {
  const { slot } = slotOf();
  const next = openModelSession(modelOf(2, 1_000));
  const warm = vi.spyOn(next.session, 'warm');
  const rows = rowsOf(5);
  slot.prepare(next);
  slot.take();
  slot.committed({ rows: () => rows }, 0n);
  rows.values[0] = 99;
  slot.ready(next, 0n);
  expect(warm.mock.calls[0]![0].values[0]).toBe(5);
});

test('a later session replaces one that was still warmed up', () => {
  const { slot, first } = slotOf();
  const [second, third] = [openModelSession(modelOf(2)), openModelSession(modelOf(3))];
  slot.prepare(second);
  slot.prepare(third);
  slot.ready(second, 0n);
  expect(slot.current).toBe(first);
  slot.ready(third, 0n);
  expect(slot.current).toBe(third);
});

test('a slot can be emptied', () => {
  const { slot } = slotOf();
  slot.prepare(undefined);
  slot.ready(undefined, 0n);
  expect(slot.take()).toBeUndefined();
});

test('where the next session cannot restore its state, the present one stays', () => {
  const { slot, first, failed } = slotOf();
  const next = openModelSession(modelOf(2, 1_000));
  vi.spyOn(next.session, 'warm').mockImplementation(() => {
    throw new Error('no memory');
  });
  slot.prepare(next);
  slot.take();
  slot.committed({ rows: () => rowsOf(5) }, 0n);
  slot.ready(next, 0n);
  expect(slot.take()).toBe(first);
  expect(failed).toHaveBeenCalledWith(new Error('no memory'));
});

test('memory is bounded however long a warm-up takes', () => {
  const { slot } = slotOf();
  const next = openModelSession(modelOf(2, 1_000));
  const warm = vi.spyOn(next.session, 'warm');
  slot.prepare(next);
  for (let offset = 0n; offset < 25_000n; offset++) {
    slot.take();
    slot.committed({ rows: () => rowsOf(Number(offset)) }, offset);
  }
  slot.ready(next, 0n);
  expect(warm).toHaveBeenCalledTimes(20_000);
  expect(warm.mock.calls.at(-1)![0].values[0]).toBe(24_999);
});

test('what an earlier version has begun is given up after a time by the clock, only while the log has no record left', () => {
  const withWindows = (version: number, length: string) =>
    openModelSession(
      createStreamModel(
        stream,
        doubleModel({
          version,
          steps: [
            { use: 'window', length, every: length, grace: '0s' },
            { use: 'statistics', features: ['mean'] },
          ],
        }),
      ),
    );
  const first = withWindows(1, '1s');
  const unfinished = vi.fn();
  const slot = new ModelSlot(first, { released: vi.fn(), failed: vi.fn(), finishes: true, unfinished });
  const readings = new ReadingBatch(stream);
  readings.reset(1);
  const reading = { stream: 's', device: 'd', time: '1500000000', values: { a: 1, b: 2 }, received: '1500000000' };
  readings.take({
    ...{ topic: 't', partition: 0, offset: 0n, key: 'd', arrivedMs: 0 },
    value: Buffer.from(JSON.stringify(reading)),
  });
  absorb(first, readings);
  const next = withWindows(2, '2s');
  slot.prepare(next);
  slot.ready(next, 0n);
  expect(slot.finishing).toEqual([first]);
  const abandonMs = (first.steps?.abandonAfterNs ?? 0) / 1e6;
  expect(abandonMs).toBeGreaterThan(3_600_000);
  slot.quiet(0);
  slot.quiet(abandonMs);
  // The log did not say, a batch came, or records are left: the time restarts.
  slot.quiet(undefined);
  slot.quiet(2 * abandonMs);
  slot.take();
  slot.quiet(4 * abandonMs);
  slot.committed({ rows: () => rowsOf(1) }, 1n);
  slot.quiet(5 * abandonMs);
  slot.quiet(6 * abandonMs);
  expect(unfinished).not.toHaveBeenCalled();
  slot.quiet(6 * abandonMs + 1);
  expect(unfinished).toHaveBeenCalledWith(first, expect.stringContaining('fell silent'));
  expect(slot.finishing).toEqual([]);
  expect(slot.changed).toBe(true);
});
