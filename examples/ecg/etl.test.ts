import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { openFolder } from '../../core/objects/folder.ts';
import { openExport } from '../../core/partitions/read.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Point } from '../../core/wire/point.ts';
import { readingToPoint } from '../../core/wire/point.ts';
import { maxTimeNs, minTimeNs } from '../../core/wire/time.ts';
import { exportReadings } from '../../exporting/export.ts';
import { gapline, temporaryFolder } from '../../test/line/gapline.ts';
import { describeWithPython, runPython, sparkEnv } from '../../test/servers/python.ts';
import { readArchive } from '../../training/archive.ts';
import { preparationOf, prepareDataset } from '../../training/prepare.ts';

const stream = 'beats';
// Names that differ only in case, and signs that Spark gives a meaning.
const fields = ['level', 'Level', 'char_freq_;', 'a.b`c'];
const features = ['mean', 'std', 'min', 'max', 'quantiles', 'rms', 'crest', 'skewness', 'kurtosis', 'slope'] as const;
const steps: readonly StepSpec[] = [
  { use: 'window', length: '2.5s', every: '1s' },
  { use: 'statistics', features: [...features] },
];
const range = { from: minTimeNs.toString(), to: (maxTimeNs + 1n).toString() };

/** Irregular samples over two days, with gaps, constants, windows of one sample, and truths that change or that nobody knows. */
function* samplesOf(device: string, seed: number): Generator<Point> {
  const random = mulberry32(seed);
  let time = BigInt(Date.parse('2026-01-01T23:59:30Z')) * 1_000_000n + BigInt(seed);
  for (let at = 0; at < 300; at++) {
    time += BigInt(Math.floor(random() * (at % 40 === 0 ? 9e9 : 4e8)) + 1);
    const numbers = [1e3 + random(), at < 50 ? 0.1 : -random(), seed * (random() - 0.5), Math.sin(at / 5)];
    const values = Object.fromEntries(fields.map((name, n) => [name, random() < 0.3 ? null : (numbers[n] ?? null)]));
    const truth = at < 20 ? undefined : (seed + Math.floor(at / 150)) % 2 === 0 ? 'normal' : 'abnormal';
    const reading = { stream, device, time: String(time), received: String(time), values };
    yield readingToPoint({ ...reading, ...(truth !== undefined && { truth }) }, fields.length);
  }
}

const deviceOf = (number: number) => `ward/${number}=ü`;

/** An export of eight devices. */
async function exported(to: string): Promise<void> {
  const points = Array.from({ length: 8 }, (_, at) => [...samplesOf(deviceOf(at + 1), at + 1)]);
  const store = {
    async *read() {
      yield* points;
    },
  };
  const range = { from: '1767139200000000000', to: '1767571200000000000' };
  await exportReadings({ store, stream, fields, range, objects: await openFolder(to), form: 'parquet' });
}

const rowsAt = async (place: string, columns: readonly string[]) => {
  const store = await openExport(await openFolder(place));
  return await readArchive({ store, place, stream, fields: columns, range, whole: true });
};

/** By device and time, the truth and the values of each row. */
function byIdentity(
  set: Pick<Awaited<ReturnType<typeof rowsAt>>, 'devices' | 'times' | 'values' | 'width' | 'classes' | 'labels'>,
) {
  return new Map(
    Array.from(set.times ?? [], (time, row) => [
      `${set.devices?.names[set.devices.index[row] ?? -1]} ${time}`,
      {
        truth: set.classes[set.labels[row] ?? -1],
        values: Array.from(set.values.subarray(row * set.width, (row + 1) * set.width)),
      },
    ]),
  );
}

const config = `stream: ${stream}
data: { fields: ${JSON.stringify(fields)} }
steps: ${JSON.stringify(steps)}
training: { trees: 10 }
`;

describeWithPython('spark', 'the ETL by Spark', (python) => {
  test('makes the windows that the steps make, whole devices on either side, and train takes them', {
    timeout: 1_200_000,
  }, async () => {
    const folder = temporaryFolder();
    const [from, to] = [join(folder, 'exported'), join(folder, 'windows')];
    await exported(from);
    const table = join(folder, 'truth.csv');
    writeFileSync(table, `device,truth\n${deviceOf(3)},unclear\n`);
    const cut = ['--length', '2.5s', '--every', '1s', '--features', ...features];
    const args = ['--from', from, '--to', to, '--truth', table, ...cut];
    const spark = await runPython(python(), [join(import.meta.dirname, 'etl.py'), ...args], sparkEnv);
    expect(spark.code, spark.stderr).toBe(0);

    const preparation = preparationOf(steps, fields);
    const columns = preparation.chain.shape.channels;
    const made = byIdentity(prepareDataset(await rowsAt(from, fields), preparation));
    const [train, test] = [await rowsAt(join(to, 'train'), columns), await rowsAt(join(to, 'test'), columns)];
    const [trained, tested] = [train, test].map(({ devices }) => new Set(devices?.names));
    expect(trained?.intersection(tested ?? new Set())).toEqual(new Set());
    expect(trained?.union(tested ?? new Set()).size).toBe(8);
    const written = new Map([...byIdentity(train), ...byIdentity(test)]);
    expect(made.size).toBeGreaterThan(500);
    expect([...written.keys()].sort()).toEqual([...made.keys()].sort());
    for (const [identity, { truth, values }] of made) {
      const other = written.get(identity);
      expect(other?.truth, identity).toBe(identity.startsWith(deviceOf(3)) ? 'unclear' : truth);
      for (const [at, value] of values.entries()) {
        const near = Math.abs(value - (other?.values[at] ?? Number.NaN)) <= 1e-9 * Math.max(1, Math.abs(value));
        if (!near && !(Number.isNaN(value) && Number.isNaN(other?.values[at])))
          expect.fail(`${identity} ${columns[at]}: ${value} here, ${other?.values[at]} by Spark`);
      }
    }

    writeFileSync(join(folder, 'stream.yaml'), config);
    const training = await gapline(['train', '--config', join(folder, 'stream.yaml'), '--data', to]).ended;
    expect(training.stdout + training.stderr).toMatch(/^beats version 1 in .*[\s\S]* rows of the test data /m);
  });
});
