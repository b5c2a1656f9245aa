import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BitPacker, mostPackedBits, packedAtOnce } from './bit-packer.ts';

const packer = new BitPacker();

/** One bit after the other. */
function expected(numbers: readonly number[], width: number): number[] {
  const bytes = new Array<number>(Math.ceil(numbers.length / 8) * width).fill(0);
  for (const [index, number] of numbers.entries())
    for (let bit = 0; bit < width; bit += 1) {
      const at = index * width + bit;
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (((number >> bit) & 1) << (at & 7));
    }
  return bytes;
}

test('numbers stand without gaps between them, whatever was packed before', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 0, max: mostPackedBits })
        .chain((width) =>
          fc.tuple(
            fc.constant(width),
            fc.array(fc.integer({ min: 0, max: 2 ** width - 1 }), { maxLength: packedAtOnce, size: 'max' }),
          ),
        ),
      ([width, numbers]) => {
        expect([...packer.pack(Uint16Array.from(numbers), width)]).toEqual(expected(numbers, width));
      },
    ),
  );
});
