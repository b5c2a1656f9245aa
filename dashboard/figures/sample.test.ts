import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdentityHash, inSample, TopicSample, thinning } from './sample.ts';

const reading = (device: string, time: string) =>
  Buffer.from(JSON.stringify({ stream: 's', device, time, values: { a: 1, time: 2 }, received: '1' }));
const prediction = (device: string, time: string) =>
  Buffer.from(JSON.stringify({ stream: 's', device, time, label: 'x', probability: 1, received: '99' }));
/** As another program may write it: other order, other spacing. */
const foreign = (device: string, time: string) => Buffer.from(JSON.stringify({ label: 'x', device, time }));

test('a reading and its prediction have the same hash, whatever surrounds device and time', () => {
  const readings = new IdentityHash();
  const predictions = new IdentityHash();
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.bigInt({ min: 0n, max: 2n ** 63n }), (device, nanoseconds) => {
      const time = String(nanoseconds);
      const hash = readings.of(device, reading(device, time));
      expect(predictions.of(device, prediction(device, time))).toBe(hash);
      expect(predictions.of(device, foreign(device, time))).toBe(hash);
    }),
  );
});

test('another device or another time is another hash', () => {
  const hash = new IdentityHash();
  const one = hash.of('a', reading('a', '1000'));
  expect(hash.of('b', reading('b', '1000'))).not.toBe(one);
  expect(hash.of('a', reading('a', '1001'))).not.toBe(one);
});

test('regular devices that measure at regular times are sampled evenly', () => {
  const hash = new IdentityHash();
  const oneIn = 8;
  const perDevice = new Map<string, number>();
  let kept = 0;
  for (let step = 0; step < 2_000; step += 1) {
    for (let device = 0; device < 10; device += 1) {
      const name = `device-${device}`;
      const time = `${1_700_000_000_000_000_000n + BigInt(step) * 20_000_000n}`;
      if (!inSample(hash.of(name, reading(name, time)), oneIn)) continue;
      kept += 1;
      perDevice.set(name, (perDevice.get(name) ?? 0) + 1);
    }
  }
  expect(kept / 20_000).toBeGreaterThan(0.115);
  expect(kept / 20_000).toBeLessThan(0.135);
  for (const count of perDevice.values()) expect(Math.abs(count - 250)).toBeLessThan(75);
});

test('a smaller sample lies within a larger one', () => {
  for (let hash = 0; hash < 1_000; hash += 1) if (inSample(hash, 16)) expect(inSample(hash, 4)).toBe(true);
});

test('a record without a time does no harm', () => {
  const hash = new IdentityHash();
  expect(hash.of('a', Buffer.from('not JSON'))).toBe(hash.of('a', new Uint8Array()));
  expect(hash.of(null, new Uint8Array())).toBeTypeOf('number');
});

test('what arrives steadily is thinned to the budget; a quiet line is not thinned', () => {
  expect(thinning(100, 1_000, 1)).toBe(16);
  expect(thinning(100, 100, 100)).toBe(1);
  expect(thinning(100, 101, 1)).toBe(2);
  expect(thinning(100, 0, 0)).toBe(1);
});

test('a flood within one second costs a few budgets at most, the next second one', () => {
  const sum = (beforeCount: number) => {
    let parsed = 0;
    for (let count = 1; count <= 1_000_000; count += 1) parsed += 1 / thinning(100, beforeCount, count);
    return parsed;
  };
  expect(sum(0)).toBeLessThan(100 * 12);
  expect(sum(1_000_000)).toBeLessThan(100);
});

test('a topic that is read partition by partition is thinned as if it were read in order', () => {
  const sample = new TopicSample(200);
  const taken = new Map<number, number>();
  let held = 0;
  for (let partition = 0; partition < 10; partition += 1) {
    for (let n = 0; n < 5_000; n += 1) {
      const second = Math.floor(n / 500);
      taken.set(second, (taken.get(second) ?? 0) + 1);
      const time = String(BigInt(partition) * 1_000_000_000_000n + BigInt(n) * 200_000n);
      const value = reading('d', time);
      if (sample.holds({ key: 'd', value }, taken.get(second - 1) ?? 0, taken.get(second)!)) held += 1;
    }
  }
  // Ten seconds of 5,000 records each.
  expect(held).toBeGreaterThan(10 * 100);
  expect(held).toBeLessThan(10 * 200 * 5);
});
