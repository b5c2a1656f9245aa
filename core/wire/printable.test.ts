import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeError, oneLine } from './errors.ts';
import { printable, printableLines } from './printable.ts';

describe('a name reaches a terminal as text', () => {
  test.each([
    ['plain, µ, °C, 温度 and 👩‍🔧', 'plain, µ, °C, 温度 and 👩‍🔧'],
    ['\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
    ['\u009b2J', '\\u009b2J'],
    ['\u001b]0;title\u0007', '\\u001b]0;title\\u0007'],
    ['a\rb\nc\td\u007f', 'a\\u000db\\u000ac\\u0009d\\u007f'],
    ['safe\u202egnp.exe', 'safe\\u202egnp.exe'],
    ['a\u2066b\u200bc\ufeff', 'a\\u2066b\\u200bc\\ufeff'],
    ['line\u2028break', 'line\\u2028break'],
    ['half \ud83d', 'half \\ud83d'],
    ['tag \u{e0041}', 'tag \\udb40\\udc41'],
  ])('%j', (name, shown) => {
    expect(printable(name)).toBe(shown);
  });

  test('lines and tabs stay in text of several lines', () => {
    expect(printableLines('a\tb\n\u001b[2Jc\r\n')).toBe('a\tb\n\\u001b[2Jc\\u000d\n');
  });

  test('JSON stays the same JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const json = JSON.stringify({ [name]: name }, null, 1);
        expect(JSON.parse(printableLines(json))).toEqual(JSON.parse(json));
      }),
    );
  });

  test('messages too', () => {
    expect(oneLine('field \u001b[2J\u202e\n next')).toBe('field \\u001b[2J\\u202e next');
    expect(describeError(new Error('a\u009b', { cause: new Error('b\u0007') }))).toBe('a\\u009b (b\\u0007)');
  });
});
