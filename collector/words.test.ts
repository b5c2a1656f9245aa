import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstHash, hashed, SeenNames } from './seen-names.ts';
import { viewOf, Words } from './words.ts';

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

test('a name that came before is the same text, also after another one took its slot', () => {
  const seen = new SeenNames();
  const text = (name: string): string => {
    const all = Buffer.from(`<${name}>`, 'latin1');
    let hash = firstHash;
    for (let at = 1; at < all.length - 1; at += 1) hash = hashed(hash, all[at] ?? 0);
    return seen.text(all, 1, all.length - 1, hash);
  };
  for (let round = 0; round < 2; round += 1)
    for (let index = 0; index < 5_000; index += 1) expect(text(`pump-${index}`)).toBe(`pump-${index}`);
  for (const name of ['', 'é', 'x'.repeat(1_000)]) expect([text(name), text(name)]).toEqual([name, name]);
});
