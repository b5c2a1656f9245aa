import { expect, test } from 'vitest';
import { withoutCommonStart } from './matrix.ts';

test.each([
  [
    ['class 1', 'class 2', 'class 10'],
    ['1', '2', '10'],
  ],
  [
    ['ham', 'spam'],
    ['ham', 'spam'],
  ],
  [
    ['0', '1'],
    ['0', '1'],
  ],
  [
    ['walking', 'walking fast'],
    ['walking', 'walking fast'],
  ],
  [
    ['pump_ok', 'pump_broken', 'pump_recovering'],
    ['ok', 'broken', 'recovering'],
  ],
  [['only one'], ['only one']],
  [[], []],
])('%j are told apart by %j', (names, short) => expect(withoutCommonStart(names)).toEqual(short));
