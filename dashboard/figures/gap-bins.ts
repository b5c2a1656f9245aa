import { elementAt } from '../../core/numeric/element.ts';

/** Beyond so many gaps the last bin of windows takes all. */
const mostOfWindows = 65_536;

/**
 * Numbers of gaps, gathered. Those of a reading: each by itself where there are few fields; otherwise none, and then tenths of the fields.
 * Those of a window are gaps among the columns that steps make of it. How many columns there are is the model's affair and may change with
 * its version, so each bin goes up to twice as many as the one before: 0, 1, 2, 4, …
 */
export class GapBins {
  /** The largest number of gaps of a reading in each bin, rising; the first is 0. */
  readonly upTo: readonly number[];
  /** The same of a window; these bins are counted behind those of readings. */
  readonly upToOfWindows: readonly number[];
  readonly #binOf: Uint8Array;

  constructor(fieldCount: number) {
    this.upTo =
      fieldCount <= 10
        ? Array.from({ length: fieldCount + 1 }, (_, gaps) => gaps)
        : Array.from({ length: 11 }, (_, tenth) => Math.round((fieldCount * tenth) / 10));
    this.#binOf = Uint8Array.from({ length: fieldCount + 1 }, (_, gaps) => this.upTo.findIndex((most) => gaps <= most));
    this.upToOfWindows = [0, ...Array.from({ length: Math.log2(mostOfWindows) + 1 }, (_, power) => 2 ** power)];
  }

  /** Of readings and of windows. */
  get count(): number {
    return this.upTo.length + this.upToOfWindows.length;
  }

  /** The bin of a reading's number of gaps; numbers that cannot be count as the nearest that can. */
  of(gaps: number): number {
    const possible = Math.max(0, Math.min(this.#binOf.length - 1, Math.floor(gaps) || 0));
    return elementAt(this.#binOf, possible);
  }

  /** The bin of a window's number of gaps. */
  ofWindow(gaps: number): number {
    const possible = Math.max(0, Math.min(mostOfWindows, Math.floor(gaps) || 0));
    return this.upTo.length + this.upToOfWindows.findIndex((most) => possible <= most);
  }
}
