import { elementAt } from '../../numeric/element.ts';
import { biasesAtOnce, integerBytes, integersTogether, maskBytes, steps } from './integer-kernel.ts';
import { isPadded, kernels, kernelsByShape, type RocketPlan, reach, taps } from './rocket-plan.ts';

export const floatBytes = 4;

/** Where everything stands in the memory of the kernel, in bytes. What follows is free from `end` on. */
export type IntegerLayout = ReturnType<typeof layOut>;

const lineBytes = 64;

export function layOut({ length, dilations, features }: RocketPlan) {
  let end = 0;
  const take = (count: number, bytes: number) => {
    const at = end;
    // Rows that begin with a cache line are read without straddling one.
    end += Math.ceil(((count + integersTogether) * bytes) / lineBytes) * lineBytes;
    return at;
  };
  const padding = reach * Math.max(...dilations.map(({ dilation }) => dilation));
  const padded = length + 2 * padding;
  return {
    mask: take(maskBytes, 1),
    scale: take(1, floatBytes),
    /** The window as it came, and the biases: numbers of 32 bits. */
    window: take(length, floatBytes),
    biases: take(features, floatBytes),
    rounded: take(features, integerBytes),
    shares: take(features, floatBytes),
    /** The first sample; before it and after the last there are zeros. */
    samples: take(padded, integerBytes) + padding * integerBytes,
    sums: take(length, integerBytes),
    pairs: take(padded, integerBytes),
    triples: take(padded, integerBytes),
    end,
  };
}

/**
 * What the kernel does for a dilation.
 * @param feature - the first feature of the dilation
 */
export function stepsOf(
  { length, dilations }: RocketPlan,
  index: number,
  feature: number,
  at: IntegerLayout,
): number[][] {
  const { dilation, biases } = elementAt(dilations, index);
  const step = dilation * integerBytes;
  const samples = at.samples - reach * step;
  const all = [steps.sums(samples, step, at.sums, at.sums + length * integerBytes)];
  // The last of nine samples is the farthest that any kernel takes as its third, and the third is beyond the second.
  const end = length * integerBytes + (taps - 1) * step;
  let [lastSecond, lastThird] = [0, 0];
  for (const kernel of kernelsByShape) {
    const [a, b, c] = elementAt(kernels, kernel);
    const [second, third] = [(b - a) * step, (c - a) * step];
    if (second !== lastSecond)
      all.push(steps.pairs(samples, samples + second, at.pairs, at.pairs + end - second - step));
    if (second !== lastSecond || third !== lastThird)
      all.push(steps.triples(at.pairs, samples + third, at.triples, at.triples + end - third));
    [lastSecond, lastThird] = [second, third];
    const from = isPadded(kernel, index) ? 0 : reach * step;
    const range = { triples: at.triples + a * step, sums: at.sums, from, end: length * integerBytes - from };
    all.push(...sharesOf(feature + kernel * biases, biases, range, at));
  }
  return all;
}

type Range = Pick<Parameters<typeof steps.shares>[1], 'triples' | 'sums' | 'from' | 'end'>;

/** As many biases at a time as fit, in parts of one size. */
function sharesOf(feature: number, biases: number, range: Range, { rounded, shares }: IntegerLayout): number[][] {
  const together = Math.ceil(biases / Math.ceil(biases / biasesAtOnce));
  return Array.from({ length: Math.ceil(biases / together) }, (_, part) => {
    const first = feature + part * together;
    const place = { biases: rounded + first * integerBytes, into: shares + first * floatBytes };
    return steps.shares(Math.min(together, feature + biases - first), { ...range, ...place });
  });
}
