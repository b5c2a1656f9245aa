import { EvenSteps } from '../core/numeric/even-steps.ts';
import { sampleOffsetNs } from '../core/wire/sample-offset.ts';
import type { SampleSpan } from '../core/wire/samples-point.ts';

const word = 2 ** 32;
/** Up to here a sum with one word more is exact. */
const mostOffset = 2 ** 52;
const secondNs = 1e9;

let steps: EvenSteps | undefined;

/** The times of samples, as they follow from that of their record. Whole numbers of 64 bits would be an object each. */
export function sampleTimes(
  { recordTime, first, count, rate }: SampleSpan & { readonly recordTime: bigint },
  into: BigInt64Array,
): void {
  if (sampleOffsetNs(first + count, rate) > mostOffset) {
    for (let index = 0; index < count; index += 1)
      into[index] = recordTime + BigInt(sampleOffsetNs(first + index, rate));
    return;
  }
  const step = secondNs / rate;
  // The offset is a quotient: exact where nothing has to be rounded on the way.
  if (Number.isInteger(step) && Number.isInteger(rate) && (first + count) * secondNs <= Number.MAX_SAFE_INTEGER) {
    steps ??= new EvenSteps();
    steps.fill(into, recordTime + BigInt(first) * BigInt(step), BigInt(step));
    return;
  }
  const halves = new Int32Array(into.buffer, into.byteOffset, 2 * count);
  const low = Number(BigInt.asUintN(32, recordTime));
  const high = Number(recordTime >> 32n);
  for (let index = 0; index < count; index += 1) {
    const sum = low + sampleOffsetNs(first + index, rate);
    const carry = Math.floor(sum / word);
    halves[2 * index] = sum - carry * word;
    halves[2 * index + 1] = high + carry;
  }
}
