/**
 * One thing that is silent for a while and then speaks for a while: a chain of two states, stepped once a reading. Silences have a
 * geometric length; in the long run the share `rate` of all readings is silent. Too high a rate for the mean length lengthens the
 * silences, because at least one reading lies between two of them.
 * Source: E. N. Gilbert, "Capacity of a burst-noise channel", 1960.
 */
export interface SilenceSteps {
  /** Probability that silence begins after a reading that was heard. */
  readonly begins: number;
  /** Probability that it ends after one that was not. */
  readonly ends: number;
}

export function silenceSteps(rate: number, meanLength: number): SilenceSteps {
  if (rate <= 0) return { begins: 0, ends: 1 };
  if (rate >= 1) return { begins: 1, ends: 0 };
  const ends = 1 / Math.max(1, meanLength);
  const begins = (ends * rate) / (1 - rate);
  return begins <= 1 ? { begins, ends } : { begins: 1, ends: (1 - rate) / rate };
}

/**
 * After so many readings of a device its chains are drawn anew, as they are in the long run. That keeps the rate, cuts the few
 * silences that lie there, and lets a reading be made again without all those before it.
 */
export const silenceMemory = 1_024;

/** Whether the thing is silent at reading `n`. @param draw - uniform in [0, 1) */
export function isSilent(was: boolean, n: number, rate: number, { begins, ends }: SilenceSteps, draw: number): boolean {
  if (n % silenceMemory === 0) return draw < rate;
  return was ? draw >= ends : draw < begins;
}
