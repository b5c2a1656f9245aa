import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodeNames, encodeTruths } from '../../core/dataset/dataset.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { scoreVersion } from '../../training/score-version.ts';
import simulate, { fields, kinds } from './simulator.ts';

const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'ecg' });
const champion = await registry.load(1);
const challenger = await registry.load(2);
afterAll(async () => {
  await champion.close();
  await challenger.close();
});
const width = fields.length;

/** Beats of patients that training did not have. */
function patients(beats: number) {
  const source = simulate({ seed: 31 });
  const count = source.devices.length * beats;
  const values = new Float64Array(count * width);
  const truths = Array.from({ length: count }, (_, at) => {
    const track = source.open(Math.floor(at / beats), at % beats);
    return track.next(values.subarray(at * width, (at + 1) * width));
  });
  const devices = encodeNames(truths.map((_, at) => source.devices[Math.floor(at / beats)] ?? ''));
  const times = BigInt64Array.from(truths, (_, at) => BigInt(at % beats) * 2_000_000_000n);
  return {
    file: 'simulated',
    fields,
    count,
    width,
    values,
    times,
    ...encodeTruths(truths),
    devices,
    columns: [],
    notes: [],
  };
}

test('a patient that is opened anywhere gives the beats that it would have given', () => {
  const source = simulate({ seed: 5 });
  const [whole, later] = [source.open(3, 0), source.open(3, 7)];
  const [a, b] = [new Float64Array(width), new Float64Array(width)];
  for (let n = 0; n < 7; n++) whole.next(a);
  expect(later.next(b)).toBe(whole.next(a));
  expect(b).toEqual(a);
  whole.next(a);
  expect(b).not.toEqual(a);
});

/** How far the signal falls within a tenth of a second. */
const fallAt = (beat: Float64Array, at: number): number => (beat[at] ?? 0) - Math.min(...beat.subarray(at, at + 12));

test('a normal beat begins at an R peak, and the next one comes within 1.5 s', () => {
  const source = simulate({ seed: 6 });
  for (const device of source.devices.keys()) {
    const beat = new Float64Array(width);
    if (source.open(device, 0).next(beat) !== 'normal') continue;
    const steep = 0.5 * (Math.max(...beat) - Math.min(...beat));
    expect(Math.max(fallAt(beat, 0), fallAt(beat, 1), fallAt(beat, 2))).toBeGreaterThan(steep);
    expect(Math.max(...Array.from(beat.subarray(60), (_, at) => fallAt(beat, 60 + at)))).toBeGreaterThan(steep);
  }
});

test('what training data looks like of a field is ascending and finite', () => {
  const values = simulate({ seed: 6 }).distribution(20);
  expect(values).toHaveLength(400);
  expect(values.every((value, at) => Number.isFinite(value) && value >= (values[at - 1] ?? value))).toBe(true);
});

test('half of the patients are abnormal', () => {
  const source = simulate({ seed: 9 });
  const found = Array.from(source.devices, (_, device) => source.open(device, 0).next(new Float64Array(width)));
  for (const kind of kinds) expect(found.filter((each) => each === kind)).toHaveLength(10);
});

test('boosted trees serve, a snapshot ensemble is the challenger, both know beats of others better than chance', async () => {
  expect([...(await registry.aliases())]).toEqual(
    expect.arrayContaining([
      ['champion', 1],
      ['challenger', 2],
    ]),
  );
  const [boosted, snapshots] = await Promise.all([registry.manifest(1), registry.manifest(2)]);
  expect(boosted.estimator).toMatchObject({ kind: 'forest', file: 'boosted.json.gz' });
  expect(snapshots.estimator.kind).toBe('snapshots');
  for (const { metrics } of [boosted, snapshots]) expect(metrics.crossValidation?.folds).toHaveLength(5);
  for (const model of [champion, challenger]) {
    const scores = await scoreVersion({ model, dataset: patients(6), rates: [0, 0.3], seed: 1 });
    for (const { accuracy } of scores) expect(accuracy, `version ${model.identity.version}`).toBeGreaterThan(0.65);
  }
});

test('the ensemble says how far its models part, the single model does not', async () => {
  const { values, count, devices, times } = patients(2);
  const rows = {
    values,
    count,
    width,
    times,
    devices: Array.from({ length: count }, (_, at) => `${devices.index[at]}`),
  };
  const { spread } = await challenger.open().predict(rows);
  expect(spread).toHaveLength(count);
  expect(spread?.every((each) => each >= 0 && each <= 0.5)).toBe(true);
  expect(spread?.some((each) => each > 0.05)).toBe(true);
  expect((await champion.open().predict(rows)).spread).toBeUndefined();
});
