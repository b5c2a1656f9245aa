import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementsOf, exceededShape } from './json-shape.ts';

const padding = ' '.repeat(70_000);

/** The same by way of parsing. */
function shapeOf(value: unknown): { depth: number; members: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, members: 0 };
  const children = Object.values(value);
  const shapes = children.map(shapeOf);
  return {
    depth: 1 + Math.max(0, ...shapes.map(({ depth }) => depth)),
    members: Math.max(children.length, ...shapes.map(({ members }) => members)),
  };
}

test('it counts what a parser would count, strings with brackets and quotes included', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'medium' }), (value) => {
      const { depth, members } = shapeOf(value);
      const text = JSON.stringify(value) + padding;
      expect(exceededShape(text, { depth, members: Math.max(1, members) })).toBeUndefined();
      if (depth > 0) expect(exceededShape(text, { depth: depth - 1, members: 1e9 })).toBe('depth');
      if (members > 1) expect(exceededShape(text, { depth, members: members - 1 })).toBe('members');
    }),
  );
});

test('a short text is harmless', () => {
  expect(exceededShape('[[[[', { depth: 1, members: 1 })).toBeUndefined();
});

test('what is no JSON ends too', () => {
  for (const text of ['"', ']]]]', '"\\', '{,,,', '"\\"']) {
    expect(exceededShape(padding + text, { depth: 2, members: 10 })).toBeUndefined();
  }
});

/** What `JSON.parse` makes of an array; undefined where it throws or makes something else. */
function parsed(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The same by way of its elements. */
function parsedByElement(text: string): unknown[] | undefined {
  const values: unknown[] = [];
  for (const element of elementsOf(text)) {
    if ('offset' in element) return undefined;
    try {
      values.push(JSON.parse(element.text));
    } catch {
      return undefined;
    }
  }
  return values;
}

test('an array that is parsed element by element is the array that is parsed whole, and wrong when that is wrong', () => {
  const cut = fc.constantFrom('', ',', ']', '[', '}', '{', '"', ' ', '1', '\\');
  const text = fc
    .tuple(fc.array(fc.jsonValue({ depthSize: 'small' })), fc.nat(), cut, fc.nat(1), fc.boolean())
    .map(([value, position, insert, remove, spaced]) => {
      const whole = JSON.stringify(value, null, spaced ? 1 : 0);
      const at = 1 + (position % whole.length);
      return whole.slice(0, at) + insert + whole.slice(at + remove);
    });
  fc.assert(
    fc.property(text, (array) => {
      expect(parsedByElement(array)).toEqual(parsed(array));
    }),
    { numRuns: 3_000 },
  );
});
