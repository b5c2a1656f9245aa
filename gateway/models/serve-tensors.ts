import type { Rows } from '../../core/model/rows.ts';
import type { SampleSequence } from '../../core/model/sequences.ts';

/** Numbers in one request, or in its answer: some 4 MB of JSON, of the 10 that serve takes. */
const mostNumbers = 200_000;

/** Rows or windows as tensors of the Open Inference Protocol v2. */
export interface TensorBatch {
  /** Where each of them is in the request. */
  readonly places: readonly number[];
  readonly inputs: readonly Tensor[];
  readonly parameters?: { readonly rate: number };
  /** The rows of the model, where they are known before it makes them. */
  readonly values?: Float64Array;
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: 'FP64' | 'BYTES';
  readonly data: readonly (number | string | null)[];
}

interface RowsOptions {
  /** A row is one sample of each channel. */
  readonly bySamples: boolean;
  readonly rate: number | null;
  /** Numbers of the answer for one row. */
  readonly perAnswer: number;
}

export function* batchesOfRows(rows: Rows, { bySamples, rate, perAnswer }: RowsOptions): Generator<TensorBatch> {
  const { count, width, values } = rows;
  const most = Math.max(1, Math.floor(mostNumbers / Math.max(width, perAnswer)));
  for (let first = 0; first < count; first += most) {
    const size = Math.min(count - first, most);
    const shape = bySamples ? [size, 1, width] : [size, width];
    const own = values.subarray(first * width, (first + size) * width);
    const data = Array.from(own, numberOrGap);
    yield {
      places: Array.from({ length: size }, (_, at) => first + at),
      inputs: [{ name: bySamples ? 'samples' : 'rows', shape, datatype: 'FP64', data }],
      // Of one sample any rate is as right as another.
      ...(bySamples ? { parameters: { rate: rate ?? 1 } } : { values: own }),
    };
  }
}

interface WindowsOptions {
  readonly channels: readonly string[];
  readonly rate: number;
  /** Numbers of the answer for one window. */
  readonly perAnswer: number;
}

/** Windows have as many samples as each was sent with, and tensors are rectangles: those that are alike go together. */
export function* batchesOfWindows(
  sequences: readonly SampleSequence[],
  { channels, rate, perAnswer }: WindowsOptions,
): Generator<TensorBatch> {
  const alike = Map.groupBy(sequences.keys(), (place) => formOf(sequences[place]));
  for (const places of alike.values()) {
    const [first] = places;
    const numbers = first === undefined ? 0 : (sequences[first]?.length ?? 0) * channels.length;
    const most = Math.max(1, Math.floor(mostNumbers / Math.max(numbers, perAnswer)));
    for (let from = 0; from < places.length; from += most) {
      const some = places.slice(from, from + most);
      const inputs = tensorsOf(
        channels,
        some.flatMap((place) => sequences[place] ?? []),
      );
      yield { places: some, inputs, parameters: { rate } };
    }
  }
}

/** How many samples there are of each channel that is there, and whether there is a time. */
const formOf = (sequence: SampleSequence | undefined): string =>
  [sequence?.time !== undefined, ...(sequence?.columns.map((each, at) => each && sequence.sent?.[at]) ?? [])].join();

/** A tensor for each channel that is there, and one of the times where windows have one. */
function tensorsOf(channels: readonly string[], windows: readonly SampleSequence[]): Tensor[] {
  const count = windows.length;
  const samples = channels.flatMap((name, channel): Tensor[] => {
    const [first] = windows;
    if (!first?.columns[channel]) return [];
    const sent = first.sent?.[channel] ?? first.length;
    const data = windows.flatMap(({ columns }) => Array.from(columns[channel]?.subarray(0, sent) ?? [], numberOrGap));
    return [{ name, shape: [count, sent], datatype: 'FP64', data }];
  });
  const times = windows.flatMap(({ time }) => (time === undefined ? [] : String(time)));
  return times.length === 0 ? samples : [...samples, { name: 'time', shape: [count], datatype: 'BYTES', data: times }];
}

const numberOrGap = (value: number): number | null => (Number.isNaN(value) ? null : value);
