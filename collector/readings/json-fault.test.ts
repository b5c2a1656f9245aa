import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findJsonFault } from './json-fault.ts';

test.each([
  ['{"a":NaN}', '/a', 6, 'NaN is not JSON'],
  ['{"values":{"x":Infinity}}', '/values/x', 16, 'Infinity is not JSON'],
  ['{"values":{"x":01}}', '/values/x', 16, '01 is not JSON'],
  ['[1,{"a":[true,.5]}]', '/1/a/1', 15, '.5 is not JSON'],
  ['[1,2', '/1', 5, 'expected a comma or ], but the text ends here'],
  ['{"a":1,}', '', 8, 'expected a key in double quotes'],
  ["{'a':1}", '', 2, 'expected a key in double quotes'],
  ['{"a" 1}', '', 6, 'expected a colon after the key'],
  ['{"a":1 "b":2}', '/a', 8, 'expected a comma or }'],
  ['{"a/b~c":}', '/a~1b~0c', 10, 'expected a value'],
  ['"a\nb"', '', 3, 'a control character in a string is written as an escape'],
  ['["\\x"]', '/0', 3, 'this is no escape of JSON'],
  ['["abc', '/0', 2, 'the string has no end'],
  ['1 2', '', 3, 'nothing may follow the value'],
  ['', '', 1, 'expected a value, but the text ends here'],
])('%j is wrong at %j, character %i', (text, pointer, character, detail) => {
  const fault = findJsonFault(text);
  expect(fault).toMatchObject({ pointer, offset: character - 1 });
  expect(fault?.detail).toBe(`at character ${character}: ${detail}`);
});

test('depth costs no stack', () => {
  expect(findJsonFault('['.repeat(5_000_000))?.detail).toContain('nested more than');
});

test('finds a fault exactly where JSON.parse throws', () => {
  const mutated = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '\n', 'e', '-', '0', '\u0001'),
      fc.nat(2),
    )
    .map(([text, position, insert, cut]) => {
      const at = position % (text.length + 1);
      return text.slice(0, at) + insert + text.slice(at + cut);
    });
  fc.assert(
    fc.property(mutated, (text) => {
      expect(findJsonFault(text) === undefined).toBe(parses(text));
    }),
    { numRuns: 5_000 },
  );
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
