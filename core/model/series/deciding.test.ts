import { expect, test } from 'vitest';
import { elementAt } from '../../numeric/element.ts';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { predictSeries } from '../kinds/series.ts';
import { fitRidge } from '../linear/ridge.ts';
import { DecidingShapelets, meansOf } from './deciding.ts';
import { fitShapelets } from './shapelet-fit.ts';
import { ShapeletTransform } from './shapelets.ts';

const [length, count] = [60, 60];

/** Noise in two channels; the second has a bump somewhere, up in the windows of class 1, down in those of class 2. */
function windows(classes: number, seed: number) {
  const random = mulberry32(seed);
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const bumps = Array.from(labels, () => 10 + Math.floor(random() * 35));
  const values = Float64Array.from({ length: count * 2 * length }, (_, at) => {
    const [row, sample] = [Math.floor(at / (2 * length)), at % length];
    const isSecond = at % (2 * length) >= length;
    const bump = Math.exp(-(((sample - elementAt(bumps, row)) / 3) ** 2));
    return 0.3 * (random() - 0.5) + (isSecond ? (elementAt([0, 1, -1], elementAt(labels, row)) ?? 0) * bump : 0);
  });
  return { labels, bumps, values };
}

test.each([2, 3])('of %i classes: a bump decides, in the channel and at the place where it is', async (classes) => {
  const { labels, values } = windows(classes, 1);
  const options = { count: 300, lengths: [9], dilated: false, seed: 1 };
  const set = fitShapelets({ channels: 2, length, values, labels, count, options });
  const transform = new ShapeletTransform(set);
  const features = transform.transform(values, count);
  const ridge = fitRidge({ values: features, count, width: transform.features, labels, classes });
  const deciding = new DecidingShapelets(set, ridge, meansOf(features, count, transform.features));
  const estimator = predictSeries(transform, ridge, 2 * length, deciding);
  const unseen = windows(classes, 2);
  const { labels: found, decided = [] } = await estimator.predict(unseen.values, count);
  let [there, all] = [0, 0];
  for (const [row, label] of found.entries()) {
    if (label === 0 || label !== elementAt(unseen.labels, row)) continue;
    const shapelet = elementAt(decided, row);
    expect(shapelet).toMatchObject({ step: 1, share: expect.any(Number) });
    all += 1;
    const middle = (shapelet?.place ?? 0) + 4;
    if (shapelet?.channel === 1 && Math.abs(middle - elementAt(unseen.bumps, row)) <= 7) there += 1;
  }
  expect(all).toBeGreaterThan(20);
  expect(there / all).toBeGreaterThan(0.9);
});

test('without the means of the training nothing is said of what decided', async () => {
  const { labels, values } = windows(2, 1);
  const options = { count: 20, lengths: [9], dilated: false, seed: 1 };
  const transform = new ShapeletTransform(fitShapelets({ channels: 2, length, values, labels, count, options }));
  const ridge = fitRidge({
    ...{ values: transform.transform(values, count), count, labels, classes: 2 },
    width: transform.features,
  });
  const estimates = await predictSeries(transform, ridge, 2 * length).predict(values, count);
  expect('decided' in estimates).toBe(false);
});
