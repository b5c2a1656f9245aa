import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exceedsShape } from './json-shape.ts';

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
      expect(exceedsShape(text, { depth, members: Math.max(1, members) })).toBe(false);
      if (depth > 0) expect(exceedsShape(text, { depth: depth - 1, members: 1e9 })).toBe(true);
      if (members > 1) expect(exceedsShape(text, { depth, members: members - 1 })).toBe(true);
    }),
  );
});

test('a short text is harmless', () => {
  expect(exceedsShape('[[[[', { depth: 1, members: 1 })).toBe(false);
});

test('what is no JSON ends too', () => {
  for (const text of ['"', ']]]]', '"\\', '{,,,', '"\\"']) {
    expect(exceedsShape(padding + text, { depth: 2, members: 10 })).toBe(false);
  }
});
