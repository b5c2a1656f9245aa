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
      // Sections before samples: the same operations on each sample as the other way round, and the state stays in registers. Several at
      // a time, for while one waits for its last result the processor works at the others.
      let section = 0;
      for (; section + 3 < sections.length; section += 4)
        runFour(sections.slice(section, section + 4), state, at + section * 2, values, from, to);
      for (; section + 1 < sections.length; section += 2)
        runPair(sections[section]!, sections[section + 1]!, state, at + section * 2, values, from, to);
      if (section < sections.length) runOne(sections[section]!, state, at + section * 2, values, from, to);
    },
  };
}

function runOne(
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
    z0 = b1 * x + z1 - a1 * y;
    z1 = b2 * x - a2 * y;
    values[index] = y;
  }
  state[at] = z0;
  state[at + 1] = z1;
}

function runPair(
  [b0, b1, b2, a1, a2]: Sections[number],
  [d0, d1, d2, c1, c2]: Sections[number],
  state: Float64Array,
  at: number,
  values: Float64Array,
  from: number,
  to: number,
): void {
  let z0 = state[at]!;
  let z1 = state[at + 1]!;
  let w0 = state[at + 2]!;
  let w1 = state[at + 3]!;
  for (let index = from; index < to; index++) {
    const x = values[index]!;
    const u = b0 * x + z0;
    z0 = b1 * x + z1 - a1 * u;
    z1 = b2 * x - a2 * u;
    const y = d0 * u + w0;
    w0 = d1 * u + w1 - c1 * y;
    w1 = d2 * u - c2 * y;
    values[index] = y;
  }
  state[at] = z0;
  state[at + 1] = z1;
  state[at + 2] = w0;
  state[at + 3] = w1;
}

function runFour(
  sections: Sections,
  state: Float64Array,
  at: number,
  values: Float64Array,
  from: number,
  to: number,
): void {
  const [p0, p1, p2, p3, p4] = sections[0]!;
  const [q0, q1, q2, q3, q4] = sections[1]!;
  const [r0, r1, r2, r3, r4] = sections[2]!;
  const [s0, s1, s2, s3, s4] = sections[3]!;
  let pz = state[at + 0]!;
  let pw = state[at + 1]!;
  let qz = state[at + 2]!;
  let qw = state[at + 3]!;
  let rz = state[at + 4]!;
  let rw = state[at + 5]!;
  let sz = state[at + 6]!;
  let sw = state[at + 7]!;
  for (let index = from; index < to; index++) {
    const x = values[index]!;
    const t = p0 * x + pz;
    pz = p1 * x + pw - p3 * t;
    pw = p2 * x - p4 * t;
    const u = q0 * t + qz;
    qz = q1 * t + qw - q3 * u;
    qw = q2 * t - q4 * u;
    const v = r0 * u + rz;
    rz = r1 * u + rw - r3 * v;
    rw = r2 * u - r4 * v;
    const y = s0 * v + sz;
    sz = s1 * v + sw - s3 * y;
    sw = s2 * v - s4 * y;
    values[index] = y;
  }
  state[at + 0] = pz;
  state[at + 1] = pw;
  state[at + 2] = qz;
  state[at + 3] = qw;
  state[at + 4] = rz;
  state[at + 5] = rw;
  state[at + 6] = sz;
  state[at + 7] = sw;
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
