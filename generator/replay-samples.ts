import { createHash } from 'node:crypto';
import { type Dataset, segmentEnd, truthOf } from '../core/dataset/dataset.ts';
import { rowsByDevice, samplingOf } from '../core/dataset/sampling.ts';
import { elementAt } from '../core/numeric/element.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Source } from './source.ts';

/** Where a sample of a record stands in the data set; -1 where none was measured. */
type SampleRecord = Int32Array;

/**
 * Replays a table that was sampled regularly, device by device, as records of a second of samples; of fewer than one sample a second,
 * of one. A record holds samples of one truth and segment; what is left over where those change, or at the end, is left out.
 * @throws {GaplineError} `data-invalid` where the times are not regular, or no device has a whole record
 */
export function replaySamples(dataset: Dataset): Source {
  const { rate } = samplingOf(dataset);
  const count = Math.max(1, Math.round(rate));
  const all = [...rowsByDevice(dataset)].map(([name, rows]) => ({
    name,
    records: recordsOf(dataset, rows, rate, count),
  }));
  const devices = all.filter(({ records }) => records.length > 0);
  if (devices.length === 0)
    throw new GaplineError('data-invalid', `${dataset.file}: no device has ${count} samples of one label in a row`);
  const rowOf = (device: number, sample: number): number => {
    const { records } = elementAt(devices, device);
    return elementAt(elementAt(records, Math.floor(sample / count) % records.length), sample % count);
  };
  return {
    fields: dataset.fields,
    devices: devices.map(({ name }) => name),
    samples: { count, rate },
    round: Int32Array.from(devices, (_, device) => device),
    length: Math.max(...devices.map(({ records }) => records.length)) * devices.length,
    fingerprint: fingerprintOf(dataset, rate),
    open(device, from) {
      let sample = from;
      return {
        next(values) {
          const row = rowOf(device, sample++);
          if (row < 0) values.fill(Number.NaN);
          else values.set(dataset.values.subarray(row * dataset.width, (row + 1) * dataset.width));
          const { records } = elementAt(devices, device);
          const record = elementAt(records, Math.floor((sample - 1) / count) % records.length);
          return truthOf(dataset, record.find((each) => each >= 0) ?? 0);
        },
      };
    },
    ...(dataset.segments && {
      ends: (device, n) => {
        const { records } = elementAt(devices, device);
        return dataset.segments?.[elementAt(records, n % records.length).at(-1) ?? -1] === segmentEnd;
      },
    }),
    distribution: (field) =>
      Float64Array.from({ length: dataset.count }, (_, row) => elementAt(dataset.values, row * dataset.width + field))
        .filter((value) => !Number.isNaN(value))
        .sort(),
  };
}

/** Cuts the rows of a device, ordered by time, into whole records on the grid of the rate. */
function recordsOf(dataset: Dataset, rows: Int32Array, rate: number, count: number): SampleRecord[] {
  const records: SampleRecord[] = [];
  let record = new Int32Array(count).fill(-1);
  let first: number | undefined;
  const timeOf = (row: number): bigint => dataset.times?.[row] ?? 0n;
  const begin = (row: number): number => {
    record = new Int32Array(count).fill(-1);
    first = row;
    return 0;
  };
  for (const row of rows) {
    if (first === undefined || dataset.labels[row] !== dataset.labels[first]) begin(row);
    let place = Math.round((Number(timeOf(row) - timeOf(first ?? row)) / 1e9) * rate);
    if (place >= count) {
      if (place < 2 * count) records.push(record);
      // Between two recordings lies nothing that could be replayed.
      place = begin(row);
    }
    record[place] = row;
    if (place === count - 1) records.push(record);
    // What is left over of a segment is left out, too.
    if (place === count - 1 || dataset.segments?.[row] === segmentEnd) first = undefined;
  }
  return records;
}

function fingerprintOf({ fields, classes, values, labels }: Dataset, rate: number): string {
  const hash = createHash('sha256').update(JSON.stringify([fields, classes, rate]));
  for (const part of [labels, values]) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
}
