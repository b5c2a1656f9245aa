import { expect, test } from 'vitest';
import { parseLogistic, predictLogistic, readLogistic } from './logistic.ts';

const two = {
  kind: 'logistic',
  fields: ['a', 'b'],
  classes: ['no', 'yes'],
  coefficients: [2, -1],
  intercept: 0.5,
};
const three = {
  ...two,
  classes: ['x', 'y', 'z'],
  coefficients: [
    [1, 0],
    [0, 1],
    [0, 0],
  ],
  intercept: [0, 0, 0.1],
};

test('of two classes the probability of the second is the logistic function of the score', () => {
  const { labels, probabilities } = predictLogistic(
    readLogistic(two, ['a', 'b'], ['no', 'yes']),
    Float64Array.of(1, 1, 0, 4),
    2,
  );
  const yes = 1 / (1 + Math.exp(-1.5));
  expect([...labels]).toEqual([1, 0]);
  expect(probabilities[1]).toBeCloseTo(yes, 15);
  expect(probabilities[0]).toBeCloseTo(1 - yes, 15);
});

test('fields are matched by their names', () => {
  const there = predictLogistic(readLogistic(two, ['a', 'b'], two.classes), Float64Array.of(3, 7), 1);
  const turned = predictLogistic(readLogistic(two, ['b', 'a'], two.classes), Float64Array.of(7, 3), 1);
  expect(turned.probabilities[1]).toBeCloseTo(there.probabilities[1] ?? 0, 15);
});

test('of three classes probabilities are the softmax of the scores', () => {
  const { labels, probabilities } = predictLogistic(
    readLogistic(three, ['a', 'b'], three.classes),
    Float64Array.of(1, 2),
    1,
  );
  const parts = [1, 2, 0.1].map(Math.exp);
  const sum = parts.reduce((all, part) => all + part);
  expect([...labels]).toEqual([1]);
  parts.forEach((part, at) => {
    expect(probabilities[at]).toBeCloseTo(part / sum, 12);
  });
});

test.each([
  [{ ...two, intercept: undefined }, 'intercept: expected a number'],
  [{ ...two, coefficients: [1] }, 'coefficients: 1 numbers for 2 fields'],
  [
    {
      ...two,
      coefficients: [
        [1, 2],
        [1, 2],
      ],
    },
    'coefficients: 2 lists; 2 classes need 1',
  ],
  [{ ...three, intercept: 1 }, 'intercept: 1 numbers; 3 classes need 3'],
  [{ ...two, fields: ['a', 'a'] }, 'fields: a name stands there twice'],
  [{ ...two, extra: 1 }, 'extra'],
  [{ ...two, classes: ['one'] }, 'classes'],
])('a file that cannot be used is refused with the reason: %#', (file, reason) => {
  expect(() => parseLogistic(JSON.parse(JSON.stringify(file)))).toThrow(reason);
});

test.each([
  [['a', 'c'], two.classes, 'fields: there is no coefficient for "c"'],
  [['a'], two.classes, 'fields: the rows have no "b"'],
  [['a', 'b'], ['yes', 'no'], 'classes: they are no, yes'],
])('a file that does not fit its model is refused with the reason: %#', (columns, classes, reason) => {
  expect(() => readLogistic(two, columns, classes)).toThrow(reason);
});
