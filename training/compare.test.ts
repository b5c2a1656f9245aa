import { expect, it } from 'vitest';
import { candidatesFor, compare } from './compare.ts';
import { easyDataset, quickOptions } from './testing.ts';

it('scores every candidate on the same rows with the same gaps', async () => {
  const reported: string[] = [];
  const input = { dataset: easyDataset(), rates: [0, 0.5], seed: 3 };
  const candidates = [
    { name: 'one', options: quickOptions },
    { name: 'the same again', options: quickOptions },
    { name: 'gaussian', options: { ...quickOptions, imputer: { kind: 'gaussian' } } as const },
  ];
  const compared = await compare({ ...input, candidates, onCompared: ({ name }) => reported.push(name) });
  expect(reported).toEqual(['one', 'the same again', 'gaussian']);
  expect(compared[1]!.byRate).toEqual(compared[0]!.byRate);
  for (const { byRate, microsecondsPerRow } of compared) {
    expect(byRate.map(({ rate }) => rate)).toEqual([0, 0.5]);
    expect(byRate[0]!.accuracy).toBeGreaterThan(0.9);
    expect(byRate[0]!.accuracy).toBeGreaterThan(byRate[1]!.accuracy);
    expect(microsecondsPerRow).toBeGreaterThan(0);
  }
});

it('every candidate that is tried by default can be trained', async () => {
  const candidates = candidatesFor({ ...quickOptions, trees: 3 });
  const compared = await compare({
    dataset: easyDataset(90),
    test: easyDataset(30),
    candidates,
    rates: [0.1],
    seed: 1,
  });
  expect(compared.map(({ name }) => name)).toEqual(candidates.map(({ name }) => name));
  expect(new Set(compared.map(({ name }) => name)).size).toBe(candidates.length);
});

it('what is configured of one candidate stays with those that it is of', () => {
  const neighbours = { share: 0.2, steps: 5 };
  const boosted = { learningRate: 0.3 };
  const candidates = candidatesFor({ ...quickOptions, neighbours, boosted });
  const having = (key: 'neighbours' | 'boosted') =>
    candidates.filter(({ options }) => options[key] !== undefined).map(({ name }) => name);
  const both = ['gaussian, copies, boosted trees, neighbours'];
  expect(having('neighbours')).toEqual(['as configured', ...both]);
  expect(having('boosted')).toEqual([
    'as configured',
    'boosted trees take gaps, copies',
    'gaussian, copies, boosted trees',
    ...both,
  ]);
  expect(candidates.at(-1)!.options).toMatchObject({ neighbours, boosted });
  expect(candidatesFor(quickOptions).at(-1)!.options.neighbours).toEqual({ share: 0.35 });
});
