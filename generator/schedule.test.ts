import { expect, test } from 'vitest';
import { Schedule } from './schedule.ts';

const scheduleOf = (spacingNs = 10) =>
  new Schedule(
    { segments: [{ from: 0, atNs: '1000', spacingNs }], gapRates: [{ from: 0, rate: 0.1 }] },
    (index) => index,
  );

test('times grow by the spacing', () => {
  const schedule = scheduleOf(1.5);
  expect([0, 1, 2, 1_000_000_000].map((index) => schedule.timeNs(index))).toEqual([1000n, 1002n, 1003n, 1500001000n]);
});

test('times continue from now with another spacing, and those before stay', () => {
  const schedule = scheduleOf();
  schedule.continueAt(5, 9_000n, 100);
  expect([3, 4, 5, 6].map((index) => schedule.timeNs(index))).toEqual([1030n, 1040n, 9000n, 9100n]);
});

test('times never go back, even where the clock did', () => {
  const schedule = scheduleOf();
  schedule.continueAt(5, 500n, 100);
  expect([4, 5].map((index) => schedule.timeNs(index))).toEqual([1040n, 1140n]);
});

test('a gap rate holds from its reading on', () => {
  const schedule = scheduleOf();
  schedule.setGapRate(10, 0.5);
  schedule.setGapRate(10, 0.6);
  schedule.setGapRate(12, 0.6);
  expect([9, 10, 11, 50].map((index) => schedule.gapRate(index))).toEqual([0.1, 0.6, 0.6, 0.6]);
  expect(schedule.state().gapRates).toHaveLength(2);
});

test('what is forgotten changes nothing that is still asked for', () => {
  const schedule = scheduleOf();
  schedule.continueAt(5, 9_000n, 100);
  schedule.setGapRate(6, 0.5);
  schedule.setGapRate(8, 0.7);
  const before = [7, 8, 9].map((index) => [schedule.timeNs(index), schedule.gapRate(index)]);
  schedule.forget({ timesBefore: 7, gapRatesBefore: 7 });
  expect([7, 8, 9].map((index) => [schedule.timeNs(index), schedule.gapRate(index)])).toEqual(before);
  expect(schedule.state().segments).toHaveLength(1);
  expect(schedule.state().gapRates).toHaveLength(2);
});

test('its state makes the same schedule again', () => {
  const schedule = scheduleOf();
  schedule.continueAt(5, 9_000n, 100);
  schedule.setGapRate(6, 0.5);
  const again = new Schedule(JSON.parse(JSON.stringify(schedule.state())), (index) => index);
  for (const index of [0, 4, 5, 6, 100]) {
    expect(again.timeNs(index)).toBe(schedule.timeNs(index));
    expect(again.gapRate(index)).toBe(schedule.gapRate(index));
  }
});
