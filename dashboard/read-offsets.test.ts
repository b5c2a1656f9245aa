import { expect, test } from 'vitest';
import type { StoredRecord } from '../core/log/port.ts';
import { ReadOffsets } from './read-offsets.ts';

const record = (partition: number, offset: number, topic = 't'): StoredRecord => ({
  topic,
  partition,
  offset: BigInt(offset),
  key: null,
  value: new Uint8Array(),
  arrivedMs: 0,
});

test('what was returned before is dropped, by topic and partition', () => {
  const offsets = new ReadOffsets();
  expect(offsets.fresh([record(0, 5), record(1, 5), record(0, 6)])).toHaveLength(3);
  expect(offsets.fresh([record(0, 6), record(1, 6), record(0, 5, 'other')])).toEqual([
    record(1, 6),
    record(0, 5, 'other'),
  ]);
});

test('what a jump skips is counted once', () => {
  const offsets = new ReadOffsets();
  offsets.fresh([record(0, 10), record(1, 20)]);
  offsets.jump();
  offsets.fresh([record(0, 111), record(0, 112)]);
  expect(offsets.takeSkipped()).toBe(100);
  offsets.fresh([record(1, 21), record(2, 999)]);
  expect(offsets.takeSkipped()).toBe(0);
});

test('forgotten offsets are read again', () => {
  const offsets = new ReadOffsets();
  offsets.fresh([record(0, 10)]);
  offsets.forget();
  expect(offsets.fresh([record(0, 3)])).toHaveLength(1);
});
