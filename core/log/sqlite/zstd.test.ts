import { randomBytes } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compress, compressAtOnce, decompress, unpackedSize } from './zstd.ts';

/** Noise, and text that repeats itself. */
const bytesOf = (size: number) => Buffer.concat([randomBytes(size >> 1), Buffer.alloc(size - (size >> 1), 'abc,')]);

test.each([0, 1, 63, 64, 255, 256, 257, 65_535, 65_536, 65_791, 65_792, 70_000, 300_001, 5_000_000])(
  '%i bytes come back in one piece, whoever compressed them',
  async (size) => {
    const bytes = bytesOf(size);
    for (const packed of [compressAtOnce(bytes), await compress(bytes), await compress(bytes, true)]) {
      expect(unpackedSize(packed)).toBe(size);
      expect(decompress(packed).equals(bytes)).toBe(true);
    }
  },
);

test('a frame that does not say its size, as older versions wrote them', () => {
  const bytes = bytesOf(200_000);
  const packed = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
  expect(unpackedSize(packed)).toBeUndefined();
  expect(decompress(packed).equals(bytes)).toBe(true);
});

test('a frame that says a size that is not its own is damaged, however large', () => {
  const packed = Buffer.from(compressAtOnce(bytesOf(300_000)));
  for (const size of [0, 299_999, 300_001, 0xffffffff]) {
    packed.writeUInt32LE(size, 5);
    expect(unpackedSize(packed)).toBe(size);
    expect(() => decompress(packed)).toThrow();
  }
});

/** What unpacking gives, in pieces or at once; undefined where the bytes are refused. */
function unpacked(work: () => Buffer): string | undefined {
  try {
    return work().toString('base64');
  } catch {
    return undefined;
  }
}

test('whatever bytes come, they give what they give in pieces', () => {
  const packed = compressAtOnce(bytesOf(2_000));
  fc.assert(
    fc.property(fc.nat(packed.length - 1), fc.nat(255), fc.nat(packed.length), (at, byte, length) => {
      const damaged = Buffer.from(packed);
      damaged[at] = byte;
      for (const bytes of [damaged, damaged.subarray(0, length), packed.subarray(0, length)])
        expect(unpacked(() => decompress(bytes))).toBe(unpacked(() => zstdDecompressSync(bytes)));
    }),
    { numRuns: 500 },
  );
});
