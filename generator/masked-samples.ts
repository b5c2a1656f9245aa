import { type Dataset, encodeNames, encodeTruths } from '../core/dataset/dataset.ts';
import { KeyedRandom } from '../core/numeric/random/keyed-random.ts';
import { chooseGaps } from './gaps/choose.ts';
import type { Source } from './source.ts';

export interface MaskedSamplesOptions {
  readonly simulate: (options: { readonly seed: number }) => Source;
  /** Each makes other devices. */
  readonly seeds: readonly number[];
  /** Of each device. */
  readonly seconds: number;
  /** Of samples that are masked, in bursts. */
  readonly share: number;
  /** Samples. */
  readonly meanBurst: number;
}

/**
 * The first seconds of simulated devices as a data set, masked as the generator masks what it sends.
 * @throws {RangeError} where the readings of the source are no records of samples
 */
export function maskedSamples({ simulate, seeds, seconds, share, meanBurst }: MaskedSamplesOptions): Dataset {
  const sources = seeds.map((seed) => ({ seed, source: simulate({ seed }) }));
  const [first] = sources;
  const rate = first?.source.samples?.rate;
  if (first === undefined || rate === undefined) throw new RangeError('there is no source of samples');
  const { fields } = first.source;
  const width = fields.length;
  const each = seconds * rate;
  const count = sources.reduce((sum, { source }) => sum + source.devices.length, 0) * each;
  const values = new Float64Array(count * width);
  const truths: (string | undefined)[] = [];
  const devices: string[] = [];
  const random = new KeyedRandom();
  for (const { seed, source } of sources)
    for (const [device, name] of source.devices.entries()) {
      const track = source.open(device, 0);
      const masker = chooseGaps('burst', { length: meanBurst, source }).open();
      for (let n = 0; n < each; n++) {
        const row = values.subarray(truths.length * width, (truths.length + 1) * width);
        truths.push(track.next(row));
        masker.mask(row, n, share, random.at(seed, device, n));
        devices.push(`${seed} ${name}`);
      }
    }
  const times = BigInt64Array.from(truths, (_, at) => BigInt((at % each) * (1e9 / rate)));
  const table = { count, width, values, ...encodeTruths(truths), devices: encodeNames(devices), times };
  return { file: 'simulated', fields, columns: [], notes: [], ...table };
}
