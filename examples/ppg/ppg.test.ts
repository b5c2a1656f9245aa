import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodeNames, encodeTruths } from '../../core/dataset/dataset.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { scoreVersion } from '../../training/score-version.ts';
import simulate, { fields, kinds, rate } from './simulator.ts';

const registry = openRegistry({ folder: join(import.meta.dirname, 'models'), name: 'ppg' });
const champion = await registry.load(1);
const challenger = await registry.load(2);
afterAll(async () => {
  await champion.close();
  await challenger.close();
});
const seconds = 17;

/** People that training did not have; some of their samples are lost. */
function people(lost: number) {
  const source = simulate({ seed: 31 });
  const random = mulberry32(1);
  const count = source.devices.length * seconds * rate;
  const values = new Float64Array(count);
  const truths: (string | undefined)[] = [];
  for (const device of source.devices.keys()) {
    const track = source.open(device, 0);
    for (let n = 0; n < seconds * rate; n++) truths.push(track.next(values.subarray(truths.length, truths.length + 1)));
  }
  const devices = encodeNames(truths.map((_, at) => source.devices[Math.floor(at / (seconds * rate))] ?? ''));
  const times = BigInt64Array.from(truths, (_, at) => BigInt(at % (seconds * rate)) * 8_000_000n);
  const kept = values.map((value) => (random() < lost ? Number.NaN : value));
  const columns = { ...encodeTruths(truths), devices, columns: [], notes: [] };
  return { file: 'simulated', fields, count, width: 1, values: kept, times, ...columns };
}

test('people that are opened anywhere give the samples that they would have given', () => {
  const source = simulate({ seed: 5 });
  const [whole, later] = [source.open(3, 0), source.open(3, 300)];
  const [a, b] = [new Float64Array(1), new Float64Array(1)];
  for (let n = 0; n < 300; n++) whole.next(a);
  // Noise is drawn anew with each second; within one it depends on what came before.
  for (let n = 300; n < 375; n++) [whole.next(a), later.next(b)];
  for (let n = 375; n < 800; n++) {
    expect(later.next(b)).toBe(whole.next(a));
    expect(b).toEqual(a);
  }
});

test('half of the people have an infarction behind them', () => {
  const source = simulate({ seed: 9 });
  const found = Array.from(source.devices, (_, device) => source.open(device, 0).next(new Float64Array(1)));
  for (const kind of kinds) expect(found.filter((each) => each === kind)).toHaveLength(10);
});

test('shapelets serve, a rocket is the challenger, both know windows of others better than chance', async () => {
  expect([...(await registry.aliases())]).toEqual(
    expect.arrayContaining([
      ['champion', 1],
      ['challenger', 2],
    ]),
  );
  expect((await registry.manifest(1)).estimator.kind).toBe('shapelets');
  expect((await registry.manifest(2)).estimator.kind).toBe('rocket');
  for (const model of [champion, challenger])
    for (const lost of [0, 0.3]) {
      const [scores] = await scoreVersion({ model, dataset: people(lost), rates: [0], seed: 1 });
      expect(scores?.accuracy, `${model.identity.version}, ${lost} lost`).toBeGreaterThan(0.75);
    }
});
