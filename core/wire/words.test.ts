import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PackedWords, viewOf, Words } from './words.ts';

const bytes = fc.uint8Array({ maxLength: 20 });

test('words are found where their bytes stand, up to the end, and are written as they are', () => {
  fc.assert(
    fc.property(bytes, bytes, bytes, fc.nat(20), fc.boolean(), (before, own, after, at, exact) => {
      const all = Buffer.concat([before, own, after]);
      const start = exact ? before.length : at;
      const words = new Words(own);
      expect(words.isAt(viewOf(all), start)).toBe(
        start + own.length <= all.length && all.subarray(start, start + own.length).equals(own),
      );
      const target = Buffer.alloc(start + words.room, 1);
      words.write(viewOf(target), start);
      expect(target.subarray(0, start).every((code) => code === 1)).toBe(true);
      expect(target.subarray(start, start + own.length).equals(own)).toBe(true);
    }),
  );
});

test('packed words are found where their bytes stand, with room for them and four bytes more', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 12 }), { minLength: 1 }), bytes, bytes, (texts, before, after) => {
      const packed = new PackedWords(texts);
      for (const [index, text] of texts.entries()) {
        const own = Buffer.from(text);
        const all = Buffer.concat([before, own, after]);
        const found = (at: number) => packed.isAt(index, viewOf(all), at, all.length);
        expect(packed.lengthOf(index)).toBe(own.length);
        for (let at = 0; at < all.length; at += 1)
          expect(found(at)).toBe(
            at + packed.room(index) <= all.length && all.subarray(at, at + own.length).equals(own),
          );
      }
    }),
  );
});
