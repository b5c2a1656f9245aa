import { expect, test } from 'vitest';
import { linePlot } from './plot.ts';

const plotOf = (points: readonly (readonly [number, number])[], title = 'Memory') =>
  linePlot({ title, x: 'seconds', y: 'megabytes', series: [{ name: 'heap', points }] });
/** The texts of the picture. */
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
const heights = (svg: string) => {
  const line = /<path d="(M[^"]*)" fill="none"/.exec(svg)![1]!;
  return [...line.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, height]) => Number(height));
};

test('axes are named in steps that can be read, also of small figures', () => {
  const upTo = (most: number) => texts(plotOf([0, most].map((value, at) => [at * 10, value])));
  expect(upTo(1_200)).toEqual(expect.arrayContaining(['0', '200', '1,000', '1,200', '1,400']));
  expect(upTo(0.3)).toEqual(expect.arrayContaining(['0', '0.05', '0.15', '0.25', '0.3']));
});

test('figures that are all zero, or none, make a picture without nonsense', () => {
  for (const count of [0, 1, 2]) {
    const zeros = Array.from({ length: count }, (_, at) => [at, 0] as const);
    expect(plotOf(zeros)).not.toMatch(/NaN|Infinity/);
  }
});

test('of more points than can be seen the peaks stay', () => {
  const points = Array.from({ length: 10_000 }, (_, at) => [at, at === 4_321 ? 100 : 1] as const);
  const drawn = heights(plotOf(points));
  expect(drawn.length).toBeLessThan(300);
  const [highest, ...others] = drawn.toSorted((a, b) => a - b);
  expect(highest).toBeLessThan(others[0]! - 100);
});

test('text stays text', () => {
  expect(plotOf([[0, 1]], 'a < b & c')).toContain('<title>a &lt; b &amp; c</title>');
});
