/** How long to wait between attempts: `firstMs`, twice that, and so on up to `maxMs`, each multiplied by a random factor. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** The bounds of the random factor, which keeps clients that failed together from returning together. Default 0.8 to 1.2. */
  readonly jitter?: readonly [least: number, most: number];
}

const giveOrTakeAFifth = [0.8, 1.2] as const;
/** Half of the delay is fixed, half is random. */
export const halfRandom = [0.5, 1] as const;

/** Doubling stops here: larger powers say nothing once `maxMs` is finite. */
const maxDoublings = 30;

/** The delay in milliseconds after a failed attempt, counted from 1. */
export function backoffMs({ firstMs, maxMs, jitter = giveOrTakeAFifth }: Backoff, attempt: number): number {
  const plain = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, maxDoublings));
  const [least, most] = jitter;
  return Math.round(plain * (least + (most - least) * Math.random()));
}
