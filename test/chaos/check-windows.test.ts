import { expect, test } from 'vitest';
import type { Undisturbed } from '../line/undisturbed.ts';
import type { Violation } from './check.ts';
import { checkWindows, type WindowEvidence } from './check-windows.ts';

const windows = new Map([
  ['a 1', 'still'],
  ['a 2', 'fast'],
  ['b 1', 'slow'],
]);

/** Each begins where the one before it of its device ends. */
const starts = new Map([...windows.keys()].map((identity) => [identity, `${identity} begins`]));

const whole: Undisturbed = {
  windows,
  starts,
  samples: 20,
  steps: [
    { use: 'resample', in: 20, consumed: 16, duplicates: 1, skipped: 1 },
    { use: 'window', in: 30, consumed: 24, duplicates: 0, skipped: 1 },
    { use: 'statistics', in: 3, consumed: 3, duplicates: 0, skipped: 0 },
  ],
  skippedBy: { late: 2 },
  mixed: 1,
  held: 7,
};

const right = [...windows].map(([identity, said]) => ({
  ...{ identity, start: `${identity} begins`, version: 1, said },
}));

/** A run in which all went well, but for what a test plants. */
function violationsOf(planted: Partial<WindowEvidence>): Violation[] {
  const violations: Violation[] = [];
  const evidence: WindowEvidence = {
    undisturbed: new Map([
      [1, whole],
      [2, { ...whole, windows: new Map([...windows.keys()].map((identity) => [identity, 'slow'])) }],
    ]),
    predictions: right,
    counted: { consumed: 24, duplicates: 1, mixed: 1, skipped: 2 },
    samples: 20,
    ...planted,
  };
  checkWindows(evidence, (promise, found) => {
    const examples = [...found];
    if (examples.length > 0) violations.push({ promise, count: examples.length, examples });
    return examples.length;
  });
  return violations;
}

test('a run in which all went well breaks nothing, whichever version labelled a window', () => {
  expect(violationsOf({})).toEqual([]);
  const swapped = right.map((each) => (each.identity === 'a 2' ? { ...each, version: 2, said: 'slow' } : each));
  expect(violationsOf({ predictions: swapped })).toEqual([]);
});

test('a window without a prediction, with two, and a prediction of no window are found', () => {
  expect(violationsOf({ predictions: right.slice(1) })).toEqual([
    { promise: 'every window that closed has a prediction', count: 1, examples: ['a 1 begins'] },
  ]);
  expect(violationsOf({ predictions: [...right, ...right.slice(2)] })).toEqual([
    { promise: 'no window has two predictions', count: 2, examples: ['b 1', 'b 1 begins'] },
  ]);
  expect(
    violationsOf({ predictions: [...right, { identity: 'c 9', start: 'c 8', version: 1, said: 'still' }] }),
  ).toEqual([{ promise: 'there is no prediction without a window', count: 1, examples: ['c 9'] }]);
});

test('a window whose features were made of other samples is found by what its prediction says', () => {
  const other = right.map((each) => (each.identity === 'b 1' ? { ...each, said: 'still' } : each));
  expect(violationsOf({ predictions: other })).toEqual([
    {
      ...{ promise: 'a prediction is what a run without faults gives', count: 1 },
      examples: ['b 1: still instead of slow'],
    },
  ]);
});

test('samples that are unaccounted for are found: none came to a step, or a step holds others than it says', () => {
  const promise = 'samples are consumed by windows, duplicates, skipped or still open';
  expect(violationsOf({ samples: 21 })).toMatchObject([{ promise }]);
  expect(violationsOf({ undisturbed: new Map([[1, { ...whole, held: 6 }]]) })).toMatchObject([{ promise }]);
  const [resample, window] = whole.steps;
  if (!resample || !window) throw new Error('there are no steps');
  const twice = {
    ...whole,
    steps: [{ ...resample, consumed: 20 }, { ...window, consumed: 20 }, ...whole.steps.slice(2)],
  };
  const counted = { consumed: 0, duplicates: 0, mixed: 0, skipped: 0 };
  expect(violationsOf({ undisturbed: new Map([[1, twice]]), counted })).toMatchObject([
    { promise, examples: ['resample: -2 are open'] },
  ]);
});

test('classifiers that counted a sample twice are found; what a killed one forgot is not missed', () => {
  const counted = { consumed: 25, duplicates: 1, mixed: 1, skipped: 2 };
  expect(violationsOf({ counted })).toEqual([
    { promise: 'classifiers count nothing twice', count: 1, examples: ['consumed: 25 counted, there are 24'] },
  ]);
  expect(violationsOf({ counted: { consumed: 3, duplicates: 0, mixed: 0, skipped: 0 } })).toEqual([]);
});

test('windows of other versions begin where those of the first do, and of two that end together one is labelled', () => {
  const longer: Undisturbed = {
    ...whole,
    windows: new Map([
      ['a 2', 'still, longer'],
      ['a 3', 'fast, longer'],
      ['b 2', 'slow, longer'],
    ]),
    starts: new Map([
      ['a 2', 'a 1 begins'],
      ['a 3', 'a 2 begins'],
      ['b 2', 'b 1 begins'],
    ]),
  };
  const undisturbed = new Map([
    [1, whole],
    [3, longer],
  ]);
  const [first, second, third] = right;
  const ofLonger = { identity: 'a 2', start: 'a 1 begins', version: 3, said: 'still, longer' };
  // The longer window of device a ends where the next one of version 1 would.
  expect(violationsOf({ undisturbed, predictions: [ofLonger, third].flatMap((each) => each ?? []) })).toEqual([]);
  expect(violationsOf({ undisturbed, predictions: right })).toEqual([]);
  const both = [first, ofLonger, second, third].flatMap((each) => each ?? []);
  expect(violationsOf({ undisturbed, predictions: both })).toMatchObject([
    { promise: 'no window has two predictions', examples: ['a 2', 'a 1 begins'] },
  ]);
  expect(violationsOf({ undisturbed, predictions: [ofLonger] })).toMatchObject([
    { promise: 'every window that closed has a prediction', examples: ['b 1 begins'] },
  ]);
});
