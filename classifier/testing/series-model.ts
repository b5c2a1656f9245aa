import { assembleModel } from '../../core/model/assemble.ts';
import { openLinear } from '../../core/model/impute/linear.ts';
import { predictSeries } from '../../core/model/kinds/series.ts';
import { fitRidge } from '../../core/model/linear/ridge.ts';
import type { Model } from '../../core/model/model.ts';
import { fitShapelets } from '../../core/model/series/shapelet-fit.ts';
import { ShapeletTransform } from '../../core/model/series/shapelets.ts';
import { openSteps } from '../../core/model/steps.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { buildChain } from '../../core/steps/chain.ts';
import type { StepSpec } from '../../core/steps/registry.ts';

const channels = ['a', 'b'];
const [rate, seconds, windows] = [10, 2, 60];

/** Overlapping windows of two seconds, ten samples a second, as they are. */
export const seriesSteps: readonly StepSpec[] = [
  { use: 'smooth', time: '100ms' },
  { use: 'window', length: `${seconds}s`, every: '1s', grace: '200ms' },
  { use: 'series', rate },
];

/** A slow beat in channel `a`, or one with a second, weaker beat behind it; channel `b` is noise. */
export function beat(kind: number, tick: number, noise: number): { a: number; b: number } {
  const phase = (((tick % 9) + 9) % 9) / 9;
  const bump = (centre: number) => Math.exp(-(((phase - centre) / 0.1) ** 2));
  return { a: bump(0.3) + kind * 0.6 * bump(0.7) + 0.1 * noise, b: noise };
}

/**
 * Shapelets and a ridge classifier on whole windows, fitted from a fixed seed: every process that asks has the same model. Its classes
 * are the two kinds of {@link beat}.
 */
export function seriesModel(): Model {
  const shape = { channels: channels.length, length: rate * seconds };
  const width = shape.channels * shape.length;
  const random = mulberry32(7);
  const values = new Float64Array(windows * width);
  const labels = Int32Array.from({ length: windows }, (_, window) => window % 2);
  for (const [window, label] of labels.entries()) {
    const from = Math.floor(random() * 9);
    for (let at = 0; at < shape.length; at++) {
      const { a, b } = beat(label, from + at, random() - 0.5);
      values[window * width + at] = a;
      values[window * width + shape.length + at] = b;
    }
  }
  const options = { count: 60, lengths: [5, 9], dilated: true, seed: 1 };
  const transform = new ShapeletTransform(fitShapelets({ ...shape, values, labels, count: windows, options }));
  const features = transform.transform(values, windows);
  const ridge = fitRidge({ values: features, count: windows, width: transform.features, labels, classes: 2 });
  const fields = buildChain(seriesSteps, channels).shape.channels;
  const steps = openSteps({ fields, channels, steps: seriesSteps });
  return assembleModel({
    identity: { name: 'beats', version: 1 },
    ...(steps && { steps }),
    fields,
    series: { channels, length: shape.length },
    classes: ['single', 'double'],
    imputer: openLinear({ length: shape.length, fill: new Array<number>(width).fill(0) }),
    estimator: predictSeries(transform, ridge, width),
  });
}
