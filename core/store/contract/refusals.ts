import { expect } from 'vitest';
import type { Point } from '../../wire/point.ts';
import { type Case, now, point, readAll } from './case.ts';

export const refusals: Record<string, Case> = {
  async 'keeps the type of a field for ever and refuses the whole point of another'(store) {
    expect(await store().write([point({ a: 1, s: 'x', b: true })])).toEqual([]);
    const later = (step: bigint) => ({ time: String(now + step) });
    const rejected = await store().write([
      point({ a: 'text', fresh: 1 }, later(1n)),
      point({ a: 2 }, later(2n)),
      point({ s: 5 }, later(3n)),
      point({ b: 1 }, later(4n)),
    ]);
    expect(rejected.map(({ index }) => index)).toEqual([0, 2, 3]);
    expect(rejected[0]!.reason).toContain('"a"');
    expect(await readAll(store())).toEqual([point({ a: 1, s: 'x', b: true }), point({ a: 2 }, later(2n))]);
  },

  async 'keeps it over years and over opening again'(store, place) {
    await store().write([point({ a: 1 })]);
    await store().stop();
    const again = await place.open();
    const distant = String(now - 3_000_000_000n * 86_400n * 400n);
    const rejected = await again.write([point({ a: 'text' }, { time: distant })]);
    expect(rejected.map(({ index }) => index)).toEqual([0]);
    expect(await readAll(again)).toEqual([point({ a: 1 })]);
    await again.stop();
  },

  async 'lets the first of two types in one call win'(store) {
    const rejected = await store().write([
      point({ a: 'text' }),
      point({ a: 1 }, { time: String(now + 1n) }),
      point({ b: 1 }, { time: String(now + 2n) }),
    ]);
    expect(rejected.map(({ index }) => index)).toEqual([1]);
    expect(await readAll(store())).toEqual([point({ a: 'text' }), point({ b: 1 }, { time: String(now + 2n) })]);
  },

  async 'refuses what no engine can keep, with the reason, and writes the rest'(store) {
    const bad: [Point, RegExp][] = [
      [point({}), /no fields/],
      [point({ a: Number.NaN }), /"a" is NaN/],
      [point({ a: Number.POSITIVE_INFINITY }), /"a" is Infinity/],
      [point({ '': 1 }), /field name is empty/],
      [point({ a: 1 }, { device: '' }), /device is empty/],
      [point({ a: 1 }, { measurement: '' }), /measurement is empty/],
      [point({ a: 1 }, { device: '\ud800' }), /not valid Unicode/],
      [point({ a: '\udc00' }), /not valid Unicode/],
      [point({ a: 1 }, { time: '9223372036854775807' }), /1677 to 2262/],
      [point({ a: 1 }, { time: '-9999999999999999999' }), /1677 to 2262/],
      [point({ a: 1 }, { time: 'yesterday' }), /decimal string/],
    ];
    const good = point({ a: 1 }, { device: 'last' });
    const rejected = await store().write([...bad.map(([one]) => one), good]);
    expect(rejected.map(({ index }) => index)).toEqual(bad.map((_, index) => index));
    for (const [index, [, reason]] of bad.entries()) expect(rejected[index]!.reason).toMatch(reason);
    expect(await readAll(store())).toEqual([good]);
  },
};
