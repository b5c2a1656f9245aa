import { expect, test } from 'vitest';
import { KnownIds } from './known-ids.ts';

const [first, second] = ['5f1c0e9a-0000-4000-8000-000000000001', '5f1c0e9a-0000-4000-8000-000000000002'];

test('another id under the same name is a topic made anew, once', () => {
  const ids = new KnownIds();
  expect(ids.isRemade('readings', first)).toBe(false);
  expect(ids.isRemade('readings', first)).toBe(false);
  expect(ids.isRemade('readings', second)).toBe(true);
  expect(ids.isRemade('readings', second)).toBe(false);
});

test('an id from a broker whose metadata is old is no topic made anew', () => {
  const ids = new KnownIds();
  ids.isRemade('readings', first);
  ids.isRemade('readings', second);
  expect(ids.isRemade('readings', first)).toBe(false);
  expect(ids.isRemade('readings', second)).toBe(false);
});

test('a first id after zeros is no topic made anew', () => {
  const ids = new KnownIds();
  expect(ids.isRemade('readings', '00000000000000000000000000000000')).toBe(false);
  expect(ids.isRemade('readings', '00000000-0000-0000-0000-000000000000')).toBe(false);
  expect(ids.isRemade('readings', first)).toBe(false);
});
