import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseGaps } from './gaps/choose.ts';
import { loadSource } from './load-source.ts';
import { Schedule } from './schedule.ts';
import { deviceOrderOf, type Source } from './source.ts';
import { dealToWorkers, Worker } from './worker.ts';

const samples = { count: 8, rate: 1_000 };

/** Two devices that count; the second field is measured in every fifth sample. */
const counting: Source = {
  fields: ['x', 'slow'],
  samples,
  devices: ['a', 'b'],
  round: Int32Array.of(0, 1),
  length: Number.POSITIVE_INFINITY,
  fingerprint: 'counting',
  open(_, n) {
    let next = n;
    return {
      next(values) {
        values.set([next, next % 5 === 0 ? next : Number.NaN]);
        return next++ < 16 ? 'early' : 'late';
      },
    };
  },
  distribution: () => Float64Array.of(0, 1),
};

function workerOf(made: number, rate: number, source = counting): Worker {
  const segments = [{ from: 0, atNs: '1000', spacingNs: 1e6 }];
  const context = {
    source,
    order: deviceOrderOf(source),
    pattern: chooseGaps('burst', { length: 3, source }),
    schedule: new Schedule({ segments, gapRates: [{ from: 0, rate }] }, (index) => index),
    seed: 1,
  };
  const [positions] = dealToWorkers(counting, 1);
  return new Worker(context, positions ?? new Int32Array(0), made);
}

const linesOf = (worker: Worker, count: number): string[] =>
  Buffer.from(worker.take(count).body).toString().split('\n');

test('a reading of many samples has a rate, and arrays that end with the last sample that there is', () => {
  const batch = workerOf(0, 0).take(5);
  const records = Buffer.from(batch.body)
    .toString()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(records[0]).toEqual({
    device: 'a',
    time: '1000',
    rate: 1_000,
    values: { x: [0, 1, 2, 3, 4, 5, 6, 7], slow: [0, null, null, null, null, 5] },
    truth: 'early',
  });
  expect(records[2]).toMatchObject({ device: 'a', values: { x: [8, 9, 10, 11, 12, 13, 14, 15] }, truth: 'early' });
  expect(records[4]).toMatchObject({ time: '4001000', values: { slow: [null, null, null, null, 20] }, truth: 'late' });
  // x is whole: 40 values; of slow there are 6, 3 and 5, for each device but the last.
  expect(batch).toMatchObject({ values: 40 + 6 + 6 + 8 + 8 + 5, gaps: 4 + 4 + 6 + 6 + 4 });
});

test('the last record of a segment says so', () => {
  const ends = (device: number, n: number) => n % 3 === 2 - device;
  const found = linesOf(workerOf(0, 0, { ...counting, ends }), 8).map((line) => JSON.parse(line));
  expect(found.map(({ device, endsSegment = false }) => `${device} ${endsSegment}`)).toEqual(
    Array.from({ length: 8 }, (_, index) => `${index % 2 ? 'b' : 'a'} ${ends(index % 2, index >> 1)}`),
  );
});

test('bursts mask sample by sample, and a restart makes the same records', () => {
  const all = linesOf(workerOf(0, 0.4), 40);
  const gaps = all.join('').split('null').length - 1;
  expect(gaps).toBeGreaterThan(100);
  // The first array holds all samples, also where the last of them are gaps.
  expect(all.map((line) => JSON.parse(line).values.x.length)).toEqual(all.map(() => samples.count));
  // What was masked is a gap, and no shorter array.
  const ends = linesOf(workerOf(0, 0), 40).map((line) => JSON.parse(line).values.slow.length);
  expect(all.map((line) => JSON.parse(line).values.slow.length)).toEqual(ends);
  for (const made of [1, 7, 22]) expect(linesOf(workerOf(made, 0.4), 40 - made)).toEqual(all.slice(made));
});

test('a simulator is loaded from its file; what makes no source is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-simulator-'));
  try {
    const options = { seed: 3, fields: ['x', 'y'] };
    const file = join(folder, 'good.js');
    writeFileSync(file, 'export default ({ seed }) => ({ fields: ["x"], fingerprint: "seed " + seed });');
    expect(await loadSource(file, options)).toMatchObject({ fingerprint: 'seed 3' });
    await expect(loadSource(file, { ...options, fields: ['y'] })).rejects.toThrow('makes the value "x"');
    await expect(loadSource(join(folder, 'none.js'), options)).rejects.toThrow('cannot be read');
    writeFileSync(join(folder, 'bad.js'), 'export default 3;');
    await expect(loadSource(join(folder, 'bad.js'), options)).rejects.toThrow('has no default export');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
