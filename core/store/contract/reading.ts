import { expect } from 'vitest';
import type { Point } from '../../wire/point.ts';
import { always, type Case, now, point, readAll } from './case.ts';

export const reading: Record<string, Case> = {
  async 'reads a half open range'(store) {
    const points = [0n, 1n, 2n, 3n].map((step) => point({ a: Number(step) }, { time: String(now + step) }));
    await store().write(points);
    const range = { from: String(now + 1n), to: String(now + 3n) };
    expect(await readAll(store(), { range })).toEqual(points.slice(1, 3));
    expect(await readAll(store(), { range: { from: range.to, to: range.from } })).toEqual([]);
    expect(await readAll(store(), { range: { from: '-9999999999999999999', to: '9999999999999999999' } })).toEqual(
      points,
    );
  },

  async 'streams many points by device and then by time, in batches'(store) {
    const points: Point[] = [];
    for (const device of ['a', 'b', 'c']) {
      for (let step = 0n; step < 1_700n; step += 1n) {
        const gaps = Number(step % 3n);
        points.push(
          point({ 'v.x': Number(step), ...(gaps === 0 ? {} : { gaps }) }, { device, time: String(now + step) }),
        );
      }
    }
    const shuffled = points.map((one, index) => ({ one, order: (index * 7_919) % points.length }));
    shuffled.sort((a, b) => a.order - b.order);
    expect(await store().write(shuffled.map(({ one }) => one))).toEqual([]);
    const sizes: number[] = [];
    const found: Point[] = [];
    for await (const batch of store().read({ measurement: 'spam', range: always })) {
      sizes.push(batch.length);
      found.push(...batch);
    }
    expect(found).toEqual(points);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
    expect(await readAll(store(), { device: 'b' })).toEqual(points.slice(1_700, 3_400));
  },

  async 'reads more devices than fit a batch'(store) {
    const points = Array.from({ length: 1_200 }, (_, index) =>
      point({ a: index }, { device: `device-${String(index).padStart(5, '0')}` }),
    );
    await store().write(points);
    expect(await readAll(store())).toEqual(points);
  },

  async 'can be read while it is written and left in the middle'(store) {
    await store().write(Array.from({ length: 2_500 }, (_, i) => point({ a: i }, { time: String(now + BigInt(i)) })));
    for await (const batch of store().read({ measurement: 'spam', range: always })) {
      expect(batch[0]!.fields.a).toBe(0);
      expect(await store().write([point({ a: 1 }, { device: 'z' })])).toEqual([]);
      break;
    }
    expect(await readAll(store(), { device: 'z' })).toHaveLength(1);
  },
};
