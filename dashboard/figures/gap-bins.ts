import { elementAt } from '../../core/numeric/element.ts';
/**
 * Numbers of gaps in one reading, gathered: each by itself where there are few fields; otherwise none, and then tenths of the fields.
 */
export class GapBins {
  /** The largest number of gaps in each bin, rising; the first is 0. */
  readonly upTo: readonly number[];
  readonly #binOf: Uint8Array;

  constructor(fieldCount: number) {
    this.upTo =
      fieldCount <= 10
        ? Array.from({ length: fieldCount + 1 }, (_, gaps) => gaps)
        : Array.from({ length: 11 }, (_, tenth) => Math.round((fieldCount * tenth) / 10));
    this.#binOf = Uint8Array.from({ length: fieldCount + 1 }, (_, gaps) => this.upTo.findIndex((most) => gaps <= most));
  }

  /** The bin of a number of gaps; numbers that cannot be count as the nearest that can. */
  of(gaps: number): number {
    const possible = Math.max(0, Math.min(this.#binOf.length - 1, Math.floor(gaps) || 0));
    return elementAt(this.#binOf, possible);
  }
}
