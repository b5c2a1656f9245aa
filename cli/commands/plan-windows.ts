import type { Dataset } from '../../core/dataset/dataset.ts';
import { groupedSplit } from '../../core/dataset/grouped-split.ts';
import { rowsOf } from '../../core/dataset/rows-of.ts';
import { rowsByDevice, type Sampling, samplingOf } from '../../core/dataset/sampling.ts';
import type { Split } from '../../core/dataset/split.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { type StepSpec, stepsSchema } from '../../core/steps/registry.ts';
import { nanosecondsOf, span } from '../../core/wire/duration.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { validate } from '../../core/wire/validate.ts';
import { type Preparation, type PreparedDataset, preparationOf, prepareDataset } from '../../training/prepare.ts';
import type { DatasetParts } from './score-remarks.ts';

/** What `gapline new --window` found of a table of samples, and what it makes of that. */
export interface WindowPlan {
  readonly length: string;
  readonly lengthNs: number;
  readonly sampling: Sampling;
  readonly devices: number;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
  readonly preparation: Preparation;
}

/** Of fewer samples in a window a spectrum tells nothing. */
const fewestForSpectrum = 16;
/** A field with a smaller share of the samples is measured more seldom than the others. */
const seldomShare = 0.5;

/**
 * Finds the rate of a table and the steps that suit its fields.
 * @throws {GaplineError} `config-invalid` where the length is none, `data-invalid` where windows cannot be cut: with what to do
 */
export function planWindows(dataset: Dataset, length: string): WindowPlan {
  const parsed = validate(span(), length);
  if (!parsed.success)
    throw new GaplineError('config-invalid', `--window ${length}: expected a duration such as 500ms, 1s or 5m`);
  const sampling = samplingOf(dataset);
  const lengthNs = nanosecondsOf(length);
  const samples = Math.round((lengthNs / 1e9) * sampling.rate);
  const fail = (detail: string): never => {
    throw new GaplineError('data-invalid', `${dataset.file}: ${detail}`);
  };
  if (samples < 2)
    fail(
      `--window ${length} holds ${samples} sample at ${sampling.rate} a second; take at least ${2 / sampling.rate}s`,
    );
  const longest = longestNs(dataset);
  if (longest < 2 * lengthNs)
    fail(
      `no device has samples over more than ${longest / 1e9} s, so there are no two windows of ${length}; take a shorter --window`,
    );
  const steps = stepsFor(dataset, { length, rate: sampling.rate, samples });
  const preparation = preparationOf(stepsSchema.parse(steps) as StepSpec[], dataset.fields);
  return { length, lengthNs, sampling, devices: dataset.devices?.names.length ?? 1, steps, preparation };
}

function longestNs(dataset: Dataset): number {
  const { times = new BigInt64Array(dataset.count) } = dataset;
  const spans = [...rowsByDevice(dataset).values()].map((rows) =>
    Number(elementAt(times, elementAt(rows, rows.length - 1)) - elementAt(times, elementAt(rows, 0))),
  );
  return Math.max(...spans);
}

/** Level, spread and shape of what is measured often, and its spectrum; the mean of what is measured seldom. */
function stepsFor(
  dataset: Dataset,
  { length, rate, samples }: { length: string; rate: number; samples: number },
): Record<string, unknown>[] {
  const { fields, width, values, count } = dataset;
  const shares = fields.map((_, field) => {
    let measured = 0;
    for (let row = 0; row < count; row++) if (!Number.isNaN(elementAt(values, row * width + field))) measured += 1;
    return measured / count;
  });
  const often = fields.filter((_, field) => elementAt(shares, field) >= seldomShare);
  const seldom = fields.filter((name) => !often.includes(name));
  const some = (channels: readonly string[]) => (seldom.length > 0 ? { channels } : {});
  return [
    { use: 'window', length, rate },
    ...(often.length > 0 ? [{ use: 'statistics', ...some(often) }] : []),
    ...(seldom.length > 0 ? [{ use: 'statistics', channels: seldom, features: ['mean'], minSamples: 1 }] : []),
    ...(often.length > 0 && samples >= fewestForSpectrum ? [{ use: 'spectrum', ...some(often) }] : []),
  ];
}

/** What was found, a sentence each. */
export function describePlan({ length, sampling: { rate, lost }, devices, steps }: WindowPlan): string[] {
  const missing = lost > 0 ? `; ${lost} samples between others are not there` : '';
  const uses = steps.map(({ use }) => use);
  return [
    `rate: ${rate} samples a second, by the times of ${devices === 1 ? 'the device' : `${devices} devices`}${missing}`,
    `windows of ${length}, each a row: ${uses.slice(1).join(', ')}`,
  ];
}

/** Keeps a fifth of the samples apart, by device or by time: windows of one device are alike. */
export function splitSamples(
  dataset: Dataset,
  { lengthNs }: WindowPlan,
  { fraction, seed }: { fraction: number; seed: number },
): { readonly split: Split; readonly how: string } {
  const { labels, count, devices, times = new BigInt64Array(count) } = dataset;
  const index = devices?.index ?? new Int32Array(count);
  const split = groupedSplit({ labels, devices: index, times, marginNs: lengthNs }, { fraction, seed });
  const devicesOf = (rows: Int32Array) => new Set(rows.map((row) => elementAt(index, row))).size;
  const how =
    split.by === 'device'
      ? `split by device, for windows of one device are alike: ${devicesOf(split.train)} to learn from, ${devicesOf(split.test)} to test`
      : 'split by time, for windows of one device are alike: the last fifth of each device and label is the test';
  return { split, how };
}

/**
 * Cuts both parts into windows.
 * @throws {GaplineError} `data-invalid` where labels change within most windows
 */
export function prepareParts(
  dataset: Dataset,
  { train, test }: Split,
  plan: WindowPlan,
): DatasetParts & { remark: string } {
  const { preparation } = plan;
  const [rows, tested] = [train, test].map((part) => prepareDataset(rowsOf(dataset, part), preparation)) as [
    PreparedDataset,
    PreparedDataset,
  ];
  const windows = rows.count + tested.count;
  const mixed = rows.mixed + tested.mixed;
  if (mixed * 2 > windows)
    throw new GaplineError(
      'data-invalid',
      `${dataset.file}: the label changes within ${mixed} of ${windows} windows of ${plan.length}, so they have none; take a shorter --window, or name another label with --truth`,
    );
  const without = mixed > 0 ? `; in ${mixed} the label changes, they teach nothing` : '';
  return { dataset: rows, test: tested, preparation, remark: `${windows} windows of ${rows.width} columns${without}` };
}
