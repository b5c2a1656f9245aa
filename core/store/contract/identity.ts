import { expect } from 'vitest';
import { type Case, now, point, readAll } from './case.ts';

export const identity: Record<string, Case> = {
  async 'gives back what was written, and after opening again'(store, place) {
    const points = [point({ 'v.a': 1.5, gaps: 2, truth: 'ham' }), point({ 'v.a': 2 }, { device: 'd2' })];
    expect(await store().write(points)).toEqual([]);
    expect(await readAll(store())).toEqual(points);
    await store().stop();
    const again = await place.open();
    expect(await readAll(again)).toEqual(points);
    await again.stop();
  },

  async 'merges the fields of one identity, the later over the earlier'(store) {
    await store().write([point({ a: 1, b: 2, text: 'old', flag: true })]);
    await store().write([point({ b: 3, text: 'new', c: 4 })]);
    expect(await readAll(store())).toEqual([point({ a: 1, b: 3, text: 'new', flag: true, c: 4 })]);
  },

  async 'merges within one call too'(store) {
    expect(await store().write([point({ a: 1, b: 1 }), point({ b: 2 }), point({ b: 3, c: 3 })])).toEqual([]);
    expect(await readAll(store())).toEqual([point({ a: 1, b: 3, c: 3 })]);
  },

  async 'is the same after writing the same again'(store) {
    const points = [point({ a: 1, truth: 'x' }), point({ a: 2 }, { time: String(now + 1n) })];
    await store().write(points);
    await store().write(points);
    expect(await readAll(store())).toEqual(points);
  },

  async 'keeps measurements, devices and nanoseconds apart'(store) {
    const points = [
      point({ a: 1 }),
      point({ a: 2 }, { time: String(now + 1n) }),
      point({ a: 3 }, { device: 'd2' }),
      point({ a: 4 }, { measurement: 'spam.predictions' }),
    ];
    await store().write(points);
    expect(await readAll(store())).toEqual(points.slice(0, 3));
    expect(await readAll(store(), { measurement: 'spam.predictions' })).toEqual(points.slice(3));
    expect(await readAll(store(), { measurement: 'other' })).toEqual([]);
  },

  async 'takes several writes at once'(store) {
    const writes = Array.from({ length: 8 }, (_, writer) =>
      store().write(
        Array.from({ length: 50 }, (_, index) =>
          point({ [`f${writer}`]: index }, { time: String(now + BigInt(index)) }),
        ),
      ),
    );
    expect((await Promise.all(writes)).flat()).toEqual([]);
    const points = await readAll(store());
    expect(points).toHaveLength(50);
    expect(Object.values(points[49]!.fields)).toEqual(Array(8).fill(49));
  },

  async 'takes nothing for a call without points'(store) {
    expect(await store().write([])).toEqual([]);
    expect(await readAll(store())).toEqual([]);
  },
};
