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
  hasLongGap({ seconds, nanoseconds }: Times, from: number, to: number): boolean {
    for (let at = from + 1; at < to; at++)
      if (since(seconds[at]!, nanoseconds[at]!, seconds[at - 1]!, nanoseconds[at - 1]!) > this.#maxGapNs) return true;
    return false;
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
    if (isDense && isMeasured(values, from, to)) this.#interval(state, channel, times, values, from, to);
    else
      for (let at = from; at < to; at++)
        if (!Number.isNaN(values[at]!)) this.#interval(state, channel, times, values, at, at + 1);
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

function isMeasured(values: Float64Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (Number.isNaN(values[at]!)) return false;
  return true;
}
