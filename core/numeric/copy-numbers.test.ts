import { expect, test } from 'vitest';
import { copyNumbers } from './copy-numbers.ts';

const memories = [
  ['its own', 'its own'],
  ['shared', 'its own'],
  ['its own', 'shared'],
  ['shared', 'shared'],
] as const;

test.each(memories)('numbers are copied to a place, and nothing else changes: memory %s to %s', (from, to) => {
  const memoryOf = (kind: string, bytes: number) =>
    kind === 'shared' ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  for (const Kind of [Float64Array, Int32Array, Uint8Array]) {
    const size = Kind.BYTES_PER_ELEMENT;
    const source = new Kind(memoryOf(from, 12 * size) as ArrayBuffer, 2 * size, 6).fill(7);
    const target = new Kind(memoryOf(to, 20 * size) as ArrayBuffer, size, 18).fill(1);
    copyNumbers(source.subarray(1, 4), target, 5);
    expect([...target]).toEqual([...Array(5).fill(1), 7, 7, 7, ...Array(10).fill(1)]);
    copyNumbers(source, target);
    expect([...target.subarray(0, 9)]).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 1]);
  }
  const source = new BigInt64Array(memoryOf(from, 16) as ArrayBuffer).fill(-5n);
  const target = new BigInt64Array(memoryOf(to, 32) as ArrayBuffer);
  copyNumbers(source, target, 1);
  expect([...target]).toEqual([0n, -5n, -5n, 0n]);
});
