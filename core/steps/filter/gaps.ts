import { since } from '../time.ts';
import type { ChannelFilter, Times } from './run.ts';

/** What is remembered of filtered channels. */
export interface ChannelStates {
  /** The state of each, one after the other. */
  readonly numbers: Float64Array;
  /** By channel, when it was last measured; NaN before the first time. */
  readonly seconds: Float64Array;
  readonly nanoseconds: Float64Array;
}

/** Filters channels in place, around what is missing: a missing value stays missing and does not reach the filter. */
export class GapFilter {
  readonly #channel: ChannelFilter;
  readonly #maxGapNs: number;

  /** @param maxGapNs - after a longer time without a measured value the filter restarts */
  constructor(channel: ChannelFilter, maxGapNs: number) {
    this.#channel = channel;
    this.#maxGapNs = maxGapNs;
  }

  /** Numbers of state by channel. */
  get size(): number {
    return this.#channel.size;
  }

  create(channels: number): ChannelStates {
    return {
      numbers: new Float64Array(channels * this.#channel.size),
      seconds: new Float64Array(channels).fill(Number.NaN),
      nanoseconds: new Float64Array(channels),
    };
  }

  /** Whether samples that follow each other are further apart than what is bridged. */
  hasLongGap(times: Times, from: number, to: number): boolean {
    return this.#longGapFrom(times, from + 1, to) < to;
  }

  /** Where the next sample comes a long gap after the one before it, or `to`. */
  #longGapFrom({ seconds, nanoseconds }: Times, from: number, to: number): number {
    let at = from;
    while (at < to && !(since(seconds[at]!, nanoseconds[at]!, seconds[at - 1]!, nanoseconds[at - 1]!) > this.#maxGapNs))
      at++;
    return at;
  }

  /**
   * Filters samples `from` up to `to` of one channel, which are in order.
   * @param isDense - that they have no long gap between them, as {@link hasLongGap} tells once for all channels
   */
  run(
    state: ChannelStates,
    channel: number,
    times: Times,
    values: Float64Array,
    from: number,
    to: number,
    isDense: boolean,
  ): void {
    for (let at = measuredFrom(values, from, to); at < to; ) {
      const measured = missingFrom(values, at + 1, to);
      const end = isDense ? measured : this.#longGapFrom(times, at + 1, measured);
      this.#interval(state, channel, times, values, at, end);
      at = measuredFrom(values, end, to);
    }
  }

  /** Filters samples that are all measured and without a long gap between them. */
  #interval(state: ChannelStates, channel: number, times: Times, values: Float64Array, from: number, to: number): void {
    const { seconds, nanoseconds } = times;
    const { size } = this.#channel;
    const gap = since(seconds[from]!, nanoseconds[from]!, state.seconds[channel]!, state.nanoseconds[channel]!);
    // Before the first measured value the gap is NaN.
    const isContinued = gap <= this.#maxGapNs;
    if (!isContinued) this.#channel.start(state.numbers, channel * size, values[from]!);
    this.#channel.run(state.numbers, channel * size, values, from, to, times, isContinued ? gap : 0);
    state.seconds[channel] = seconds[to - 1]!;
    state.nanoseconds[channel] = nanoseconds[to - 1]!;
  }
}

// A value is compared with infinity, not asked by `isNaN`: until it is optimised, a call makes an object of each value.

/** Where the next measured value is, or `to`. */
function measuredFrom(values: Float64Array, from: number, to: number): number {
  let at = from;
  while (at < to && !(values[at]! <= Number.POSITIVE_INFINITY)) at++;
  return at;
}

/** Where the next missing value is, or `to`. */
function missingFrom(values: Float64Array, from: number, to: number): number {
  let at = from;
  while (at < to && values[at]! <= Number.POSITIVE_INFINITY) at++;
  return at;
}
