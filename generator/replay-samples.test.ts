import { expect, test } from 'vitest';
import { type Dataset, encodeNames, encodeTruths, segmentEnd } from '../core/dataset/dataset.ts';
import { replaySamples } from './replay-samples.ts';

/** Two devices at 10 Hz: three seconds and a half of "ok", then two seconds of "worn"; one sample of the second is lost. */
function table(): Dataset {
  const rows = ['a', 'b'].flatMap((device, at) =>
    Array.from({ length: 55 }, (_, n) => ({ device, n, value: at * 100 + n, truth: n < 35 ? 'ok' : 'worn' })),
  );
  const kept = rows.filter(({ device, n }) => !(device === 'b' && n === 4));
  // As it may stand in a file: the devices between each other.
  kept.sort((left, right) => left.n - right.n);
  return {
    ...{ file: 'samples.csv', fields: ['x'], count: kept.length, width: 1, columns: [], notes: [] },
    ...encodeTruths(kept.map(({ truth }) => truth)),
    values: Float64Array.from(kept, ({ value }) => value),
    devices: encodeNames(kept.map(({ device }) => device)),
    times: BigInt64Array.from(kept, ({ n }) => 7n + BigInt(n) * 100_000_000n),
  };
}

function take(source: ReturnType<typeof replaySamples>, device: number, from: number, count: number) {
  const track = source.open(device, from);
  const row = new Float64Array(1);
  return Array.from({ length: count }, () => ({ truth: track.next(row), value: row[0] }));
}

test('a table of samples is replayed as records of a second, each of one truth', () => {
  const source = replaySamples(table());
  expect(source).toMatchObject({ samples: { count: 10, rate: 10 }, devices: ['a', 'b'], length: 10 });
  const a = take(source, 0, 0, 60);
  // Half a second is left over where the truth changes.
  const values = [...Array(30).keys(), ...Array.from({ length: 20 }, (_, n) => 35 + n)];
  expect(a.slice(0, 50).map(({ value }) => value)).toEqual(values);
  expect(a.map(({ truth }) => truth)).toEqual([
    ...Array(30).fill('ok'),
    ...Array(20).fill('worn'),
    ...Array(10).fill('ok'),
  ]);
  // At the end it begins again.
  expect(a[50]?.value).toBe(0);
});

test('a sample that is not in the table is a gap in its place', () => {
  const b = take(replaySamples(table()), 1, 0, 6).map(({ value }) => value);
  expect(b).toEqual([100, 101, 102, 103, Number.NaN, 105]);
});

test('the record with the last row of a segment ends it; what is left over of one is left out', () => {
  const dataset = table();
  // Of device a, samples 9 and 24 end segments: a whole record, and one that is half of it.
  const rows = Array.from({ length: dataset.count }, (_, row) => row);
  const ends = rows.filter((row) => [9, 24].includes(dataset.values[row] ?? 0));
  const segments = Uint8Array.from(rows, (row) => (ends.includes(row) ? segmentEnd : 0));
  const source = replaySamples({ ...dataset, segments });
  expect(Array.from({ length: 5 }, (_, n) => source.ends?.(0, n))).toEqual([true, false, false, false, false]);
  const values = take(source, 0, 0, 40).map(({ value }) => value);
  expect(values).toEqual([...Array(20).keys(), ...Array.from({ length: 10 }, (_, n) => 25 + n), ...values.slice(30)]);
  expect(values[30]).toBe(35);
});

test('a device that is opened anywhere resumes where it would have been', () => {
  const source = replaySamples(table());
  expect(take(source, 0, 33, 9)).toEqual(take(source, 0, 0, 42).slice(33));
});

test('other values make another source', () => {
  const dataset = table();
  const before = replaySamples(dataset).fingerprint;
  dataset.values[3] = 1;
  expect(replaySamples(dataset).fingerprint).not.toBe(before);
});

test('where no second is whole there is nothing to replay', () => {
  const dataset = table();
  const labels = dataset.labels.map((_, row) => row % 2);
  const alone = { ...dataset, labels, devices: encodeNames(Array.from(labels, () => 'a')) };
  const apart = { ...alone, times: BigInt64Array.from(labels, (_, row) => BigInt(row) * 100_000_000n) };
  expect(() => replaySamples(apart)).toThrow(/no device has 10 samples of one label in a row/);
});
