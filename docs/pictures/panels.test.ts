import { expect, test } from 'vitest';
import { panels } from './panels.ts';

const of = (points: readonly (readonly [number, number | null])[], title = 'A wave') =>
  panels('Two waves', [
    {
      ...{ title, from: 0, to: 10, unit: 'ms', gaps: [[2, 4]] },
      curves: [{ name: 'x', as: 'line', colour: 'made', points }],
    },
  ]);

test('a line is broken where nothing was measured, and the gap is shaded', () => {
  const svg = of([
    [0, 1],
    [1, 2],
    [2, null],
    [4, 1],
    [5, 3],
  ]);
  expect(svg.match(/M[\d.]+ [\d.]+L/g)).toHaveLength(2);
  expect(svg).toContain('<rect class="gap"');
});

test('a picture follows the scheme of its reader, and text stays text', () => {
  const svg = of(
    [
      [0, 1],
      [10, 1],
    ],
    'a < b & c',
  );
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).toContain('a &lt; b &amp; c');
  expect(svg).not.toMatch(/NaN|Infinity/);
});
