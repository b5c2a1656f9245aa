import { expect, test } from 'vitest';
import { firstHash, hashed, SeenNames } from './seen-names.ts';

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
