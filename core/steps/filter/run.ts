import { since } from '../time.ts';
import type { Sections } from './butterworth.ts';

/** When samples were taken. */
export interface Times {
  readonly seconds: Float64Array;
  readonly nanoseconds: Int32Array;
}

/** Filters one channel in place. It is given samples that are measured and without a long gap between them. */
export interface ChannelFilter {
  /** Numbers of state by channel. */
  readonly size: number;
  /** The state in which `value` has been coming in for ever. */
  start(state: Float64Array, at: number, value: number): void;
  /** Filters `from` up to `to` of `values`; the first comes `gapNs` after the sample before it, 0 right after `start`. */
  run(
    state: Float64Array,
    at: number,
    values: Float64Array,
    from: number,
    to: number,
    times: Times,
    gapNs: number,
  ): void;
}

/** Sections one after the other, each in the transposed direct form II. */
export function openSections(sections: Sections, steady: Float64Array): ChannelFilter {
  return {
    size: steady.length,
    start(state, at, value) {
      for (let index = 0; index < steady.length; index++) state[at + index] = steady[index]! * value;
    },
    run(state, at, values, from, to) {
      // Section by section: the same operations on each sample as sample by sample, and the state stays in registers.
      for (let section = 0; section < sections.length; section++)
        runSection(sections[section]!, state, at + section * 2, values, from, to);
    },
  };
}

function runSection(
  [b0, b1, b2, a1, a2]: Sections[number],
  state: Float64Array,
  at: number,
  values: Float64Array,
  from: number,
  to: number,
): void {
  let z0 = state[at]!;
  let z1 = state[at + 1]!;
  for (let index = from; index < to; index++) {
    const x = values[index]!;
    const y = b0 * x + z0;
    z0 = b1 * x - a1 * y + z1;
    z1 = b2 * x - a2 * y;
    values[index] = y;
  }
  state[at] = z0;
  state[at + 1] = z1;
}

/**
 * Exponential smoothing by a time constant: y moves to x by the share `1 - exp(-elapsed / constant)`, so uneven samples are no problem.
 * Source: Brown (1963), Smoothing, Forecasting and Prediction, in continuous time.
 */
export function openOnePole(constantNs: number): ChannelFilter {
  return {
    size: 1,
    start(state, at, value) {
      state[at] = value;
    },
    run(state, at, values, from, to, { seconds, nanoseconds }, gapNs) {
      let y = state[at]!;
      let gap = gapNs;
      let share = -Math.expm1(-gap / constantNs);
      for (let index = from; index < to; index++) {
        if (index > from) {
          const next = since(seconds[index]!, nanoseconds[index]!, seconds[index - 1]!, nanoseconds[index - 1]!);
          if (next !== gap) share = -Math.expm1(-next / constantNs);
          gap = next;
        }
        y += share * (values[index]! - y);
        values[index] = y;
      }
      state[at] = y;
    },
  };
}
