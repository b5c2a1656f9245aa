import type { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import type { Source } from '../source.ts';

/** Masks values in the readings of one device. */
export interface Masker {
  /**
   * Sets values of the device's next reading to NaN.
   * @param n - the reading's number within the device
   * @param rate - the share of values that go missing in the long run, 0 to 1
   * @param random - the reading's own numbers; always as many are drawn, whatever the rate
   */
  mask(values: Float64Array, n: number, rate: number, random: KeyedRandom): void;
}

/** A way in which values go missing. */
export interface GapPattern {
  /**
   * After how many readings of a device the pattern forgets its past; 0 where it has none. To make the reading `n` anew, the
   * readings from the last multiple of this on are masked in order.
   */
  readonly memory: number;
  open(): Masker;
}

/** What a pattern may know of the data. */
export interface GapContext {
  /** The data set that is replayed. */
  readonly source: Pick<Source, 'fields' | 'distribution'>;
  /** Mean length of a burst or a silence, in readings of a device. */
  readonly length: number;
}

/** A kind of pattern, by the name that `generator.gaps.pattern` has for it. */
export interface GapPatternKind {
  /** For the documents of `stream.yaml`, in a few words. */
  readonly about: string;
  create(context: GapContext): GapPattern;
}
