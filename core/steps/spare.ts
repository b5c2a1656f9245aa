import { SpareArrays } from '../numeric/spare-arrays.ts';

/** Of what the batches of some steps take. */
const most = { arrays: 32, bytes: 32 << 20 };
const floats = new SpareArrays<Float64Array>(Float64Array, most);
const integers = new SpareArrays<Int32Array>(Int32Array, most);
const bytes = new SpareArrays<Uint8Array>(Uint8Array, most);

type Numbers = Float64Array | Int32Array | Uint8Array;

const sparesOf = <T extends Numbers>(array: T): SpareArrays<T> => {
  const spares = array instanceof Float64Array ? floats : array instanceof Int32Array ? integers : bytes;
  return spares as unknown as SpareArrays<T>;
};

/** A longer array of the same type with the first `kept` numbers of a shorter one; what stands behind them is of no meaning. */
export function enlarged<T extends Numbers>(array: T, length: number, kept: number): T {
  const longer = sparesOf(array).take(length);
  if (kept > 0) longer.set(array.subarray(0, kept) as never);
  return longer;
}

/** An array that nobody looks at any more: the steps of another partition may use it. */
export const spare = (array: Numbers): void => sparesOf(array).give(array);
