const double = new DataView(new ArrayBuffer(8));

/** The next 64-bit float above. */
export function nextUp(value: number): number {
  if (value === Infinity || Number.isNaN(value)) return value;
  if (value === 0) return Number.MIN_VALUE;
  double.setFloat64(0, value);
  double.setBigInt64(0, double.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return double.getFloat64(0);
}

/** The least double that no finite 32-bit float is nearest to. */
const roundsToInfinity = 2 ** 128 - 2 ** 103;

/** The next 32-bit float above a 32-bit float. */
function nextUpFloat(value: number): number {
  if (value === Infinity) return value;
  if (value === 0) return 2 ** -149;
  double.setFloat32(0, value);
  double.setInt32(0, double.getInt32(0) + (value > 0 ? 1 : -1));
  return double.getFloat32(0);
}

/**
 * The threshold below which exactly those 64-bit values lie that are at most `threshold` once rounded to 32 bits: a model
 * that compares 32-bit floats with `<=` then gives the same predictions in a tree that compares 64-bit ones with `<`.
 */
export function belowIfFloatAtMost(threshold: number): number {
  if (threshold === Infinity) return threshold;
  if (threshold === -Infinity) return nextUp(-roundsToInfinity);
  const next = nextUpFloat(threshold);
  const middle = next === Infinity ? roundsToInfinity : threshold / 2 + next / 2;
  double.setFloat32(0, threshold);
  const middleRoundsDown = double.getInt32(0) % 2 === 0;
  return middleRoundsDown ? nextUp(middle) : middle;
}

/** The same for a model that compares with `<`. */
export function belowIfFloatBelow(threshold: number): number {
  return belowIfFloatAtMost(-nextUpFloat(-threshold));
}
