import { expect, test } from 'vitest';
import type { StoredRecord } from '../core/log/port.ts';
import { Places } from './places.ts';

const record = (partition: number, offset: number, topic = 't'): StoredRecord => ({
  topic,
  partition,
  offset: BigInt(offset),
  key: null,
  value: new Uint8Array(),
  arrivedMs: 0,
});

test('what was given before is dropped, by topic and partition', () => {
  const places = new Places();
  expect(places.fresh([record(0, 5), record(1, 5), record(0, 6)])).toHaveLength(3);
  expect(places.fresh([record(0, 6), record(1, 6), record(0, 5, 'other')])).toEqual([
    record(1, 6),
    record(0, 5, 'other'),
  ]);
});

test('what a jump passes over is counted once', () => {
  const places = new Places();
  places.fresh([record(0, 10), record(1, 20)]);
  places.jump();
  places.fresh([record(0, 111), record(0, 112)]);
  expect(places.takeSkipped()).toBe(100);
  places.fresh([record(1, 21), record(2, 999)]);
  expect(places.takeSkipped()).toBe(0);
});

test('forgotten places are taken again', () => {
  const places = new Places();
  places.fresh([record(0, 10)]);
  places.forget();
  expect(places.fresh([record(0, 3)])).toHaveLength(1);
});
