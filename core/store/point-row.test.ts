import { expect, test } from 'vitest';
import { endField, type Point } from '../wire/point.ts';
import { PointRow } from './point-row.ts';
import type { StoredPoint } from './port.ts';

const stored = (fields: Point['fields']): StoredPoint => ({
  ...{ device: 'a', time: 5n },
  each(onField) {
    for (const [name, value] of Object.entries(fields)) onField(name, value);
  },
});

const gap = Number.NaN;
const samples = { rate: 2, first: 4, count: 2, 's.x': '1,', truth: 'ham' };

test.each<[string, Point['fields'], object]>([
  ['values', { 'v.x': 1, 'v.y': 2, gaps: 0 }, { values: [1, 2], isRow: true, isMeasured: true, isEnd: false }],
  ['a gap and the truth', { 'v.y': 2, truth: 'ham' }, { values: [gap, 2], truth: 'ham', isRow: true }],
  ['no truth where it is empty', { 'v.y': 2, truth: '' }, { truth: undefined }],
  ['nothing but an end', { [endField]: 1 }, { values: [gap, gap], isRow: true, isMeasured: false, isEnd: true }],
  ['a value that nobody asked for', { 'v.z': 1 }, { values: [gap, gap], isRow: true, isMeasured: true }],
  ['samples alone', samples, { values: [gap, gap], isRow: false, truth: 'ham' }],
  ['samples and a value', { ...samples, 'v.y': 3 }, { values: [gap, 3], isRow: true, isMeasured: true }],
  ['a rate that belongs to no samples', { rate: 2, 'v.x': 1 }, { values: [1, gap], isRow: true, samples: undefined }],
])('%s', (_, fields, wanted) => {
  const row = new PointRow(['x', 'y']);
  // What the point before held does not stay.
  row.read(stored({ ...samples, 'v.x': 9, 'v.y': 9, truth: 'before', [endField]: 1 }));
  row.read(stored(fields));
  const { values, truth, isRow, isMeasured, isEnd } = row;
  const found = { values: [...values], truth, isRow, isMeasured, isEnd, samples: row.samples };
  expect(found).toMatchObject(wanted);
  if ('s.x' in fields) expect(row.samples).toEqual({ rate: 2, first: 4, count: 2, texts: ['1,'] });
});

test('texts in UTF-8 are handed on as they are, and a long truth is a string', () => {
  const row = new PointRow(['x']);
  const bytes = Buffer.from('1,2');
  row.read({
    ...{ device: 'a', time: 5n },
    each(onField, onUtf8) {
      for (const name of ['rate', 'first', 'count']) onField(name, 2);
      for (const name of ['s.x', 's.y']) onUtf8?.(name, bytes);
      onUtf8?.('truth', Buffer.from('hâm'));
    },
  });
  expect(row.truth).toBe('hâm');
  expect(row.samples).toEqual({ rate: 2, first: 2, count: 2, texts: [bytes] });
});
