import { describe, expect, it } from 'vitest';
import { encodeNames, encodeTruths } from '../core/dataset/dataset.ts';
import { checkLabels, isNoBetter, labelRemarks, majorityAccuracy, rareClass } from './label-checks.ts';
import { easyDataset } from './testing.ts';

const labelledBy = (count: number, label: (row: number) => string | undefined) => ({
  ...easyDataset(count),
  ...encodeTruths(Array.from({ length: count }, (_, row) => label(row))),
});

describe('labels that no model can be made of are refused, saying what to do', () => {
  it.each<[string, number, (row: number) => string | undefined, RegExp]>([
    ['none', 60, () => undefined, /no label is there to learn; .*in 60 rows the label's cell is empty/],
    ['one', 60, () => 'ok', /no label but "ok" is there/],
    ['each once', 15, (row) => `case ${row}`, /each of the 15 labels occurs once, so nothing can be learnt/],
    [
      'numbers with decimals',
      60,
      (row) => String((row % 30) * 1.5 + 0.25),
      /is a number, not a class; Gapline predicts classes/,
    ],
    ['many whole numbers', 200, (row) => String(row % 120), /is a number, not a class/],
    ['too many', 3_000, (row) => `case ${row % 1_500}`, /1500 different labels are too many/],
    [
      'a label that is too long',
      60,
      (row) => (row % 2 ? 'ok' : 'x'.repeat(257)),
      /1 to 256 characters.*readings could not carry it/,
    ],
    [
      'a label of two lines',
      60,
      (row) => (row % 2 ? 'ok' : 'too\nhot'),
      /none of them a control character.*could not carry it/,
    ],
    [
      'a backslash at the end',
      60,
      (row) => (row % 2 ? 'ok' : 'C:\\'),
      /no backslash at the end; readings could not carry it/,
    ],
  ])('%s', (_, count, label, message) => {
    expect(() => checkLabels(labelledBy(count, label))).toThrow(message);
  });

  it('a device that readings cannot carry is refused too', () => {
    const devices = encodeNames(Array.from({ length: 60 }, (_, row) => (row ? 'pump' : 'a\u0000b')));
    expect(() => checkLabels({ ...easyDataset(60), devices })).toThrow(/the device .* could not carry it/);
  });

  it.each<[string, (row: number) => string]>([
    ['words', (row) => ['ok', 'hot'][row % 2]!],
    ['codes', (row) => String(row % 10)],
    ['codes with a point', (row) => ['0.0', '1.0'][row % 2]!],
  ])('%s are taken', (_, label) => {
    checkLabels(labelledBy(60, label));
  });
});

it('few rows, and more classes than a tenth of them, are remarked on', () => {
  expect(labelRemarks(labelledBy(40, (row) => String(row % 2)))).toEqual([
    expect.stringMatching(/^40 rows are few: .* gather at least 50/),
  ]);
  expect(labelRemarks(labelledBy(60, (row) => `k${row % 7}`))).toEqual([
    expect.stringMatching(/^7 classes in 60 rows are more than a tenth/),
  ]);
  expect(labelRemarks(labelledBy(100, (row) => (row % 4 ? 'ok' : undefined)))).toEqual([
    '25 rows without a label are left out of training',
  ]);
  expect(labelRemarks(labelledBy(60, (row) => String(row % 2)))).toEqual([]);
  expect(labelRemarks(labelledBy(60, (row) => ['1', '1.0', '2'][row % 3]))).toEqual([
    expect.stringMatching(/^the labels "1" and "1.0" differ in how the number is written only, and are two classes/),
  ]);
});

it('a rare class is found', () => {
  expect(rareClass(labelledBy(200, (row) => (row % 50 ? 'ok' : 'fault')))).toEqual({
    name: 'fault',
    index: 0,
    count: 4,
  });
  expect(rareClass(labelledBy(200, (row) => (row % 5 ? 'ok' : 'fault')))).toBeUndefined();
  expect(rareClass(labelledBy(300, (row) => `class ${row % 30}`))).toBeUndefined();
});

it("the majority's accuracy stands beside that of a model", () => {
  const confusion = [
    [70, 0],
    [20, 10],
  ];
  expect(majorityAccuracy({ confusion, rows: 100 })).toBe(0.7);
  const metrics = { on: 'test', rows: 100, f1: 0.5, confusion } as const;
  expect(isNoBetter({ ...metrics, accuracy: 0.8 })).toBe(false);
  expect(isNoBetter({ ...metrics, accuracy: 0.7 })).toBe(true);
});
