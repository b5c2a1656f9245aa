import { LatencyHistogram } from '../../core/statistics/latency-histogram.ts';

/**
 * Figures "now" are computed from the newest ten seconds, or from more until they hold enough records: at 50 readings a second
 * an accuracy over ten seconds is good to about three points.
 */
export const windowSeconds = 10;
export const enough = 500;

export interface SecondSizes {
  readonly fieldCount: number;
  readonly classLimit: number;
  readonly gapBins: number;
}

/** What is kept of one second. Readings, labels and dead letters are counted; all else is of those that were parsed. */
export class Second {
  /** Seconds since the epoch. */
  at = -1;
  /** The revision of the window in which this second last changed. */
  revision = 0;
  readings = 0;
  labels = 0;
  deadLetters = 0;
  setGapRate: number | null = null;
  /** Readings that were handed out, and those of them that were parsed. */
  takenReadings = 0;
  parsedReadings = 0;
  readonly gapsByField: Float64Array;
  readonly byClass: Float64Array;
  /** Labels by `truth * classes + label`, class indices both. */
  readonly confusion = new Map<number, number>();
  readonly latency = new LatencyHistogram();
  /** By number of gaps, see `GapBins`: labels of known truth, and those that were right. */
  readonly scoredByGaps: Uint32Array;
  readonly rightByGaps: Uint32Array;
  /** Predictions that were handed out, and those of them that were parsed. */
  takenLabels = 0;
  parsedLabels = 0;
  /** Predictions of a challenger that were handed out. */
  takenShadows = 0;
  /** Readings of known truth that champion and challenger both labelled, and how many of them each labelled right. */
  pairs = 0;
  championRight = 0;
  challengerRight = 0;

  constructor({ fieldCount, classLimit, gapBins }: SecondSizes) {
    this.gapsByField = new Float64Array(fieldCount);
    this.byClass = new Float64Array(classLimit);
    this.scoredByGaps = new Uint32Array(gapBins);
    this.rightByGaps = new Uint32Array(gapBins);
  }

  begin(at: number): void {
    this.at = at;
    this.readings = 0;
    this.labels = 0;
    this.deadLetters = 0;
    this.setGapRate = null;
    this.takenReadings = 0;
    this.parsedReadings = 0;
    this.takenLabels = 0;
    this.parsedLabels = 0;
    this.takenShadows = 0;
    this.pairs = 0;
    this.championRight = 0;
    this.challengerRight = 0;
    this.scoredByGaps.fill(0);
    this.rightByGaps.fill(0);
    this.gapsByField.fill(0);
    this.byClass.fill(0);
    this.confusion.clear();
    this.latency.clear();
  }
}

/** The newest seconds of the line, in a ring of fixed size. */
export class Window {
  /** Grows with each look; a second that changed since then carries the newer number. */
  revision = 1;
  readonly keep: number;
  readonly #slots: (Second | undefined)[];
  readonly #sizes: SecondSizes;

  constructor({ keep, ...sizes }: SecondSizes & { readonly keep: number }) {
    this.keep = keep;
    this.#slots = new Array(keep);
    this.#sizes = sizes;
  }

  /** The second to add to, marked as changed; undefined where it is too old to be kept at `nowSecond`. */
  touch(at: number, nowSecond: number): Second | undefined {
    if (at <= nowSecond - this.keep) return undefined;
    // A clock that runs ahead of ours must not push out what is kept.
    const second = Math.min(at, nowSecond + 1);
    const slot = second % this.keep;
    this.#slots[slot] ??= new Second(this.#sizes);
    const found = this.#slots[slot];
    if (found.at !== second) {
      if (found.at > second) return undefined;
      found.begin(second);
    }
    found.revision = this.revision;
    return found;
  }

  get(at: number): Second | undefined {
    const found = this.#slots[at % this.keep];
    return found?.at === at ? found : undefined;
  }

  /** Every second kept at `nowSecond`, oldest first. */
  *all(nowSecond: number): Generator<Second> {
    for (let at = nowSecond - this.keep + 1; at <= nowSecond + 1; at += 1) {
      const found = this.get(at);
      if (found) yield found;
    }
  }

  /** The newest seconds: at least `seconds`, and further back until their `count`s add up to `enough`. */
  newest(nowSecond: number, seconds: number, enough: number, count: (second: Second) => number): Second[] {
    const found: Second[] = [];
    let sum = 0;
    for (let at = nowSecond + 1; at > nowSecond - this.keep; at -= 1) {
      if (at <= nowSecond - seconds && sum >= enough) break;
      const second = this.get(at);
      if (!second) continue;
      found.push(second);
      sum += count(second);
    }
    return found;
  }
}
