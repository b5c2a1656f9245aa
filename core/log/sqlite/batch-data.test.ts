import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { record } from '../contract/fixture.ts';
import { bytesIn, bytesOf, dataOf, roomFor } from './batch-data.ts';

import { layOutNew, sizeOfNew } from './block.ts';
import { compressAtOnce } from './zstd.ts';

/** Records of a batch, and what the file has of them. */
function stored(count: number) {
  const records = Array.from({ length: count }, (_, i) => record(`device-${i}`, randomBytes(50).toString('hex')));
  const room = roomFor(sizeOfNew(records));
  layOutNew(records, bytesIn(room), 0);
  const bytes = Buffer.from(bytesIn(room));
  return { bytes, data: dataOf(room) };
}

test('few records are kept as they are, many compressed, and both come back', () => {
  for (const [count, isPlain] of [
    [1, true],
    [20, true],
    [400, true],
    [600, false],
  ] as const) {
    const { bytes, data } = stored(count);
    expect(data.length === bytes.length + 4).toBe(isPlain);
    expect(bytesOf(data).equals(bytes)).toBe(true);
  }
});

test('few records that an earlier version compressed come back', () => {
  const { bytes } = stored(20);
  expect(bytesOf(compressAtOnce(bytes)).equals(bytes)).toBe(true);
});

test('any damaged byte, or one that is missing, is reported', () => {
  for (const count of [3, 600]) {
    const { data } = stored(count);
    const step = count === 3 ? 1 : 997;
    for (let at = 0; at < data.length; at += step) {
      const damaged = Buffer.from(data);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      expect(() => bytesOf(damaged)).toThrow();
    }
    for (const length of [0, 3, 4, 40, data.length - 1]) expect(() => bytesOf(data.subarray(0, length))).toThrow();
  }
});
