import { expect, test } from 'vitest';
import { mayImport } from '../../test/rooms.ts';
import { layered, reduced } from './room-layers.ts';

const diamond = { top: ['left', 'right', 'bottom'], left: ['bottom'], right: ['bottom'], bottom: [] };

test('lines that follow from others are left out, and nothing else', () => {
  expect(reduced(diamond)).toEqual([
    ['top', 'left'],
    ['top', 'right'],
    ['left', 'bottom'],
    ['right', 'bottom'],
  ]);
  const lines = reduced(mayImport);
  const reach = (from: string): Set<string> =>
    new Set(lines.filter(([upper]) => upper === from).flatMap(([, to]) => [to, ...reach(to)]));
  for (const [from, targets] of Object.entries(mayImport))
    expect([...reach(from)]).toEqual(expect.arrayContaining([...targets]));
});

test('every piece of a line goes to the next layer down', () => {
  const { rows, pieces } = layered(mayImport);
  const layer = new Map(rows.flatMap((row, at) => row.map(({ name }) => [name, at] as const)));
  expect(pieces.length).toBeGreaterThanOrEqual(reduced(mayImport).length);
  for (const { from, to } of pieces) expect(layer.get(to)).toBe(layer.get(from)! + 1);
  expect(rows.flat().filter(({ bend }) => !bend)).toHaveLength(Object.keys(mayImport).length);
});

test('a line that passes a layer has a bend there', () => {
  const { rows } = layered({ ...diamond, beside: ['bottom'] });
  expect(rows[1]!.map(({ name, bend }) => (bend ? 'bend' : name)).sort()).toEqual(['bend', 'left', 'right']);
});
