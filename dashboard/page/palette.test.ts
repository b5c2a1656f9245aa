import { expect, test, vi } from 'vitest';

vi.stubGlobal('window', { matchMedia: () => ({ addEventListener: () => {} }) });
const { classColours, Layers } = await import('./palette.ts');

test('few classes each have a layer and a colour of their own', () => {
  const layers = new Layers();
  expect(layers.update(2, [5, 5])).toBe(true);
  expect(layers.update(2, [5, 500])).toBe(false);
  expect(layers.all).toEqual([[0], [1]]);
  expect([layers.colourOf(0), layers.colourOf(1)]).toEqual([0, 1]);
});

test('of many classes the most frequent have, and the others share one', () => {
  const layers = new Layers();
  const totals = Array.from({ length: 12 }, (_, index) => index * 10);
  layers.update(12, totals);
  expect(layers.all).toEqual([[5], [6], [7], [8], [9], [10], [11], [0, 1, 2, 3, 4]]);
  expect(layers.colourOf(0)).toBe(classColours - 1);
  expect(layers.colourOf(5)).toBe(0);
});

test('once there was enough to go by, colours stay', () => {
  const layers = new Layers();
  layers.update(12, new Array(12).fill(20));
  const { all } = layers;
  expect(layers.update(12, [...new Array(11).fill(20), 9_000])).toBe(false);
  expect(layers.all).toBe(all);
});

test('a class that is new makes room for itself', () => {
  const layers = new Layers();
  layers.update(2, [1, 1]);
  expect(layers.update(3, [1, 1, 1])).toBe(true);
  expect(layers.all).toEqual([[0], [1], [2]]);
});

test('a class that is not known yet takes the last colour', () => {
  expect(new Layers().colourOf(-1)).toBe(classColours - 1);
});
