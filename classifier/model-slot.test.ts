import { expect, test, vi } from 'vitest';
import type { Rows } from '../core/model/rows.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { openStation, Seat } from './model-slot.ts';
import { serve } from './serving.ts';
import { doubleModel } from './testing/doubles.ts';

const stream = { name: 's', fields: ['a', 'b'], topics: topicsOf('s') };
const servingOf = (version: number, memoryMs = 0) => serve(stream, doubleModel({ version, memoryMs }));

const rowsOf = (a: number): Rows => ({
  count: 1,
  width: 2,
  values: Float64Array.of(a, Number.NaN),
  devices: ['d'],
  times: BigInt64Array.of(1n),
});

function seatOf(version = 1) {
  const first = openStation(servingOf(version));
  const events = { left: vi.fn(), failed: vi.fn() };
  return { seat: new Seat(first, events), first, ...events };
}

test('a successor takes over at once where no batch is in hand', () => {
  const { seat, first, left } = seatOf();
  const next = openStation(servingOf(2));
  seat.announce(next);
  expect(seat.take()).toBe(first);
  seat.committed(rowsOf(1), 0n);
  seat.ready(next, 0n);
  expect(seat.current).toBe(next);
  expect(left).toHaveBeenCalledTimes(1);
});

test('a successor waits for the batch in hand', () => {
  const { seat, first } = seatOf();
  const next = openStation(servingOf(2));
  seat.take();
  seat.announce(next);
  seat.ready(next, 0n);
  expect(seat.current).toBe(first);
  seat.committed(rowsOf(1), 0n);
  expect(seat.current).toBe(next);
});

test('a batch that failed is tried again by the successor', () => {
  const { seat } = seatOf();
  const next = openStation(servingOf(2));
  seat.take();
  seat.announce(next);
  seat.ready(next, 0n);
  expect(seat.take()).toBe(next);
});

test('what is committed during the warm-up is shown last, and nothing twice', () => {
  const { seat } = seatOf();
  const next = openStation(servingOf(2, 1_000));
  const warm = vi.spyOn(next.session, 'warm');
  seat.announce(next);
  for (const [offset, a] of [
    [9n, 5],
    [10n, 6],
    [11n, 7],
  ] as const) {
    seat.take();
    seat.committed(rowsOf(a), offset);
  }
  seat.ready(next, 10n);
  expect(warm.mock.calls.map(([rows]) => rows.values[0])).toEqual([6, 7]);
});

test('rows that are kept are the seat’s own', () => {
  const { seat } = seatOf();
  const next = openStation(servingOf(2, 1_000));
  const warm = vi.spyOn(next.session, 'warm');
  const rows = rowsOf(5);
  seat.announce(next);
  seat.take();
  seat.committed(rows, 0n);
  rows.values[0] = 99;
  seat.ready(next, 0n);
  expect(warm.mock.calls[0]![0].values[0]).toBe(5);
});

test('a later successor takes the place of one that was still being warmed', () => {
  const { seat, first } = seatOf();
  const [second, third] = [openStation(servingOf(2)), openStation(servingOf(3))];
  seat.announce(second);
  seat.announce(third);
  seat.ready(second, 0n);
  expect(seat.current).toBe(first);
  seat.ready(third, 0n);
  expect(seat.current).toBe(third);
});

test('a seat can be left empty', () => {
  const { seat } = seatOf();
  seat.announce(undefined);
  seat.ready(undefined, 0n);
  expect(seat.take()).toBeUndefined();
});

test('a successor that cannot remember leaves the one who sits', () => {
  const { seat, first, failed } = seatOf();
  const next = openStation(servingOf(2, 1_000));
  vi.spyOn(next.session, 'warm').mockImplementation(() => {
    throw new Error('no memory');
  });
  seat.announce(next);
  seat.take();
  seat.committed(rowsOf(5), 0n);
  seat.ready(next, 0n);
  expect(seat.take()).toBe(first);
  expect(failed).toHaveBeenCalledWith(new Error('no memory'));
});

test('memory is bounded however long a warm-up takes', () => {
  const { seat } = seatOf();
  const next = openStation(servingOf(2, 1_000));
  const warm = vi.spyOn(next.session, 'warm');
  seat.announce(next);
  for (let offset = 0n; offset < 25_000n; offset++) {
    seat.take();
    seat.committed(rowsOf(Number(offset)), offset);
  }
  seat.ready(next, 0n);
  expect(warm).toHaveBeenCalledTimes(20_000);
  expect(warm.mock.calls.at(-1)![0].values[0]).toBe(24_999);
});
