import { expect } from 'vitest';
import { byBytes, type Case, point, readAll } from './case.ts';

/** Names that lose something wherever escaping, folding or splitting is wrong. */
const oddNames = [
  'Temp',
  'temp',
  'char_freq_;',
  'a b',
  'a,b',
  'a=b',
  'a"b',
  'a\\b',
  'a\\"b',
  'a\\ b',
  'a\\,b',
  'a\\\\=b',
  'a\\\\\\ b',
  'ends\\',
  'a\nb',
  'a\\nb',
  'a\rb',
  'a\tb',
  'a%0ab',
  'a\u241b0ab',
  '\u0000\u007f',
  "a'b",
  '$a {{c}}',
  '#a',
  'ünï',
  '温度',
  '🌡',
  '__proto__',
  'constructor',
  'time',
  '_time',
  '_field',
  'device',
  'table',
  '1',
  ' a',
  'a ',
];

export const names: Record<string, Case> = {
  async 'takes any field names as they are, each apart'(store) {
    const fields = Object.fromEntries(oddNames.map((name, index) => [name, index]));
    expect(await store().write([point(fields)])).toEqual([]);
    expect(await readAll(store())).toEqual([point(fields)]);
  },

  async 'takes any devices as they are, each apart'(store) {
    const points = oddNames.map((device, index) => point({ a: index }, { device }));
    expect(await store().write(points)).toEqual([]);
    const sorted = points.toSorted((a, b) => byBytes(a.device, b.device));
    expect(await readAll(store())).toEqual(sorted);
    for (const one of points) expect(await readAll(store(), { device: one.device })).toEqual([one]);
  },

  async 'takes any measurement as it is'(store) {
    const points = oddNames.map((measurement, index) => point({ a: index }, { measurement }));
    expect(await store().write(points)).toEqual([]);
    for (const one of points) expect(await readAll(store(), { measurement: one.measurement })).toEqual([one]);
  },

  async 'takes a field named time alone'(store) {
    expect(await store().write([point({ time: 1 })])).toEqual([]);
    expect(await readAll(store())).toEqual([point({ time: 1 })]);
  },
};
