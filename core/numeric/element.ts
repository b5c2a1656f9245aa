/**
 * The element at an index that must exist. For code off the hot paths; kernels index directly.
 * @throws RangeError where there is none
 */
export function elementAt<T>(array: { readonly [index: number]: T }, index: number): T {
  const element = array[index];
  if (element === undefined) throw new RangeError(`there is no element ${index}`);
  return element;
}
