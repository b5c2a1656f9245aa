import { expect, test } from 'vitest';
import type { Second } from '../events.ts';
import { columnsOf, stackedShares, totalsByClass, wilson } from './series.ts';

function second(at: number, more: Partial<Second> = {}): [number, Second] {
  const nothing = { gapShare: null, setGapRate: null, p50Ms: null, p99Ms: null };
  return [at, { at, readings: 0, labels: 0, deadLetters: 0, byClass: [], scored: 0, right: 0, ...nothing, ...more }];
}

test('before the first second nothing is drawn; after it, no news is zero readings', () => {
  const seconds = new Map([second(10, { readings: 5, labels: 4, gapShare: 0.1 }), second(12, { readings: 7 })]);
  const columns = columnsOf(seconds, 8, 13);
  expect(columns.x).toEqual([8, 9, 10, 11, 12, 13]);
  expect(columns.readings).toEqual([null, null, 5, 0, 7, 0]);
  expect(columns.labels).toEqual([null, null, 4, 0, 0, 0]);
  expect(columns.gapShare).toEqual([null, null, 0.1, null, null, null]);
});

test('accuracy rests on ten seconds, or on more where that is too little', () => {
  const many = new Map(Array.from({ length: 40 }, (_, at) => second(at, { scored: 50, right: at < 25 ? 50 : 0 })));
  expect(columnsOf(many, 39, 39).accuracy).toEqual([0]);
  expect(columnsOf(many, 29, 29).accuracy).toEqual([0.5]);
  const few = new Map(Array.from({ length: 40 }, (_, at) => second(at, { scored: 1, right: at < 20 ? 1 : 0 })));
  expect(columnsOf(few, 39, 39).accuracy).toEqual([0.5]);
});

test('nothing is drawn of too few labels', () => {
  const seconds = new Map([second(0, { scored: 19, right: 19 }), second(1, { scored: 1, right: 0 })]);
  expect(columnsOf(seconds, 0, 1).accuracy).toEqual([null, 0.95]);
});

test('without truth there is no accuracy', () => {
  const columns = columnsOf(new Map([second(1, { labels: 5 })]), 1, 1);
  expect([columns.accuracy, columns.accuracyLow, columns.accuracyHigh]).toEqual([[null], [null], [null]]);
});

test('the interval is Wilson’s', () => {
  // R: prop.test(81, 263, correct = FALSE)
  const { low, high } = wilson(81, 263);
  expect(low).toBeCloseTo(0.2553, 4);
  expect(high).toBeCloseTo(0.3662, 4);
  expect(wilson(10, 10).high).toBe(1);
  expect(wilson(0, 10).low).toBe(0);
});

test('shares are stacked from the whole down', () => {
  const seconds = new Map([second(5, { byClass: [2, 1] }), second(6, { byClass: [0, 0, 1] })]);
  expect(stackedShares(seconds, [4, 6], [[0], [1, 2]])).toEqual([
    [null, 1],
    [null, 0.5],
  ]);
  expect(totalsByClass(seconds)).toEqual([2, 1, 1]);
});
