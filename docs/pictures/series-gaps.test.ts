import { expect, test } from 'vitest';
import { seriesGapPictures } from './series-gaps.ts';

const page = (rows: string): string => `before

<!-- series-gaps -->
| missing | none | 10 % at random | 10 % in bursts | 50 % at random | 50 % in bursts |
| --- | --: | --: | --: | --: | --: |
${rows}
<!-- /series-gaps -->
`;
const curvesOf = (svg: string | undefined): string[] =>
  [...(svg ?? '').matchAll(/<path d="(M[\d .L]+L[^"]+)" fill="none"/g)].map(([, path = '']) => path);

test('each row is a curve over the columns of its way, from none missing on', () => {
  const pictures = seriesGapPictures(
    page('| one | 1 | 0.9 | 0.8 | 0.5 | 0.25 |\n| two | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 |'),
  );
  const [random, bursts] = ['random', 'bursts'].map((way) => pictures[`docs/pictures/signals-missing-${way}.svg`]);
  for (const svg of [random, bursts]) {
    expect(svg).toContain('>one</text>');
    expect(svg).toContain('>two</text>');
    expect(curvesOf(svg)).toHaveLength(2);
  }
  const heights = curvesOf(bursts).map((path) =>
    path
      .split(/[ML]/)
      .slice(1)
      .map((point) => Number(point.split(' ')[1])),
  );
  const [[whole = 0, , least = 0] = [], [half = 0] = []] = heights;
  // Of a frame that begins at zero: 0.25 lies as far below 0.5 as half of what 0.5 lies below 1.
  expect(least - half).toBeCloseTo((half - whole) / 2, 0);
  expect(curvesOf(random)[1]).toBe(curvesOf(bursts)[1]);
  expect(curvesOf(random)[0]).not.toBe(curvesOf(bursts)[0]);
});

test.each([
  ['no table', 'nothing', /has no table/],
  ['no section', page('').replaceAll('series-gaps', 'other'), /has no table/],
  ['a cell that is no number', page('| one | 1 | 0.9 | - | 0.5 | 0.25 |'), /10 % in bursts: - is no accuracy/],
  ['a cell that is missing', page('| one | 1 | 0.9 |'), /50 % at random: undefined is no accuracy/],
])('refused: %s', (_, text, message) => {
  expect(() => seriesGapPictures(text)).toThrow(message);
});
