import { expect, it } from 'vitest';
import { compare } from './compare.ts';
import { trainingSchema } from './options.ts';
import { easyDataset, quickOptions } from './testing.ts';
import { setLine, waysFor } from './ways.ts';

const config = trainingSchema.parse({});

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

it('every way that is tried by default can be trained', async () => {
  const ways = waysFor({ ...config, trees: 3 });
  const compared = await compare({
    dataset: easyDataset(90),
    test: easyDataset(30),
    candidates: ways,
    rates: [0.1],
    seed: 1,
  });
  expect(compared.map(({ name }) => name)).toEqual(ways.map(({ name }) => name));
  expect(new Set(compared.map(({ name }) => name)).size).toBe(ways.length);
});

it('what is configured of one way stays with those that it is of, and the line makes the same model', () => {
  const configured = { ...config, neighbours: 0.2, boosted: true, learningRate: 0.3 };
  const ways = waysFor(configured);
  const having = (key: 'neighbours' | 'boosted') =>
    ways.filter(({ options }) => options[key] !== undefined).map(({ name }) => name);
  const both = ['gaussian, copies, boosted trees, neighbours'];
  expect(having('neighbours')).toEqual(['as configured', ...both]);
  expect(having('boosted')).toEqual([
    'as configured',
    'boosted trees take gaps, copies',
    'gaussian, copies, boosted trees',
    ...both,
  ]);
  expect(ways.at(-1)?.options).toMatchObject({ neighbours: { share: 0.2 }, boosted: { learningRate: 0.3 } });
  const lines = Object.fromEntries(waysFor(config).map((way) => [way.name, setLine(way)]));
  expect(lines['as configured']).toBe('');
  expect(lines.mean).toBe('');
  expect(lines['gaussian, copies, boosted trees, neighbours']).toBe(
    '--set training.imputer=gaussian --set training.copies=4 --set training.boosted=true --set training.neighbours=0.35',
  );
});
