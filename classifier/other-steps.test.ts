import { expect, test } from 'vitest';
import { describeOtherSteps } from './other-steps.ts';
import { doubleModel } from './testing/doubles.ts';

const smooth = { use: 'smooth', time: '1s', segments: 'continue' } as const;

test('the same steps are not told, in whatever order their keys stand', () => {
  const model = doubleModel({ steps: [smooth] });
  expect(describeOtherSteps(model, [{ segments: 'continue', time: '1s', use: 'smooth' }])).toBeUndefined();
  expect(describeOtherSteps(model, undefined)).toBeUndefined();
  expect(describeOtherSteps(doubleModel(), [])).toBeUndefined();
});

test('other steps are told, with the version and what makes them count', () => {
  const told = describeOtherSteps(doubleModel({ version: 3, steps: [smooth] }), [{ ...smooth, time: '2s' }]);
  expect(told).toMatch(
    /^model double version 3 .* trained with, not with `steps` .* `gapline train` .* `gapline models promote`/,
  );
  expect(describeOtherSteps(doubleModel(), [smooth])).toMatch(/trained with \(none\)/);
  expect(describeOtherSteps(doubleModel({ steps: [smooth] }), [])).toBeDefined();
});
