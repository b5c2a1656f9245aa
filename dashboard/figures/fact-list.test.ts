import { expect, test } from 'vitest';
import type { Fact } from '../../core/wire/fact.ts';
import { FactList } from './fact-list.ts';

const stream = { name: 's', facts: { admission: [], age: ['age'] } };
const ns = (ms: number) => `${ms}000000`;
const encode = (fact: object) => Buffer.from(JSON.stringify(fact));
const fact = (subject: string, from: number, to?: number, more: Partial<Fact> = {}) =>
  encode({
    ...{ stream: 's', subject, kind: 'admission', from: ns(from), values: {}, received: '0' },
    ...(to !== undefined && { to: ns(to) }),
    ...more,
  });
const names = (subjects: readonly { subject: string }[] = []) => subjects.map(({ subject }) => subject);

test('a subject is inside while the fact that began last holds; a deleted one does not', () => {
  const list = new FactList(stream, 10);
  for (const value of [fact('a', 1_000), fact('b', 2_000, 5_000), fact('c', 9_000), fact('d', 1_500)]) list.take(value);
  list.take(fact('b', 1_000));
  list.take(fact('d', 1_500, undefined, { values: null }));
  list.takeLabel('a', 'yes');
  list.takeLabel('nobody', 'yes');
  const [admission, age] = list.figures(5_000, 5);
  expect(admission?.inside).toEqual([{ subject: 'a', since: 1_000, label: 'yes' }]);
  expect(names(admission?.outside)).toEqual(['b', 'd', 'c']);
  expect(admission?.outside[0]).toEqual({ subject: 'b', since: 5_000, label: null });
  expect(admission).toMatchObject({ insideCount: 1, outsideCount: 3, isListed: true });
  expect(age).toMatchObject({ kind: 'age', isListed: false, insideCount: 0 });
  expect(names(list.figures(4_999, 5)[0]?.inside)).toEqual(['b', 'a']);
});

test('what is no fact is counted, another stream is left out, and the subject told of longest ago gives way', () => {
  const list = new FactList(stream, 2);
  list.take(encode({ no: 'fact' }));
  list.take(fact('x', 1, undefined, { stream: 'other' }));
  list.take(fact('x', 1, undefined, { kind: 'unknown' }));
  for (const subject of ['a', 'b', 'a', 'c']) list.take(fact(subject, 1));
  expect(list.malformed).toBe(1);
  const [admission] = list.figures(2, 5);
  expect(names(admission?.inside).toSorted()).toEqual(['a', 'c']);
  // "b" gave way, and may be inside.
  list.takeDevice('b');
  expect(list.figures(2, 5)[0]).toMatchObject({ insideCount: 2, outsideCount: 0 });
  expect(list.figures(2, 1)[0]).toMatchObject({ insideCount: 2, inside: [expect.anything()] });
});

test('a device that sends readings is outside where no fact of it was ever told', () => {
  const list = new FactList(stream, 3);
  for (const device of ['a', 'b', 'c', 'd', 'b']) list.takeDevice(device);
  list.take(fact('a', 1_000));
  list.take(fact('c', 1_000, 2_000));
  const [admission, age] = list.figures(5_000, 5);
  expect(names(admission?.inside)).toEqual(['a']);
  expect(admission?.outside).toEqual([
    { subject: 'c', since: 2_000, label: null },
    { subject: 'b', since: null, label: null },
  ]);
  expect(admission).toMatchObject({ insideCount: 1, outsideCount: 2 });
  // Beyond three devices further ones are left out.
  expect(age).toMatchObject({ insideCount: 0, outsideCount: 3, outside: [] });
  list.take(fact('b', 4_000));
  expect(names(list.figures(5_000, 5)[0]?.inside)).toEqual(['b', 'a']);
});
