const subBuckets = 32;
const octaves = 32;

/**
 * How often each latency occurred, in buckets whose width is 1/32 of their octave: quantiles err by at most 3 %, in 8 KB, however
 * many are recorded. From a microsecond to 71 minutes; beyond counts as 71 minutes.
 * Source: G. Tene, HdrHistogram.
 */
export class LatencyHistogram {
  readonly #counts = new Float64Array(subBuckets * octaves);
  #total = 0;

  get count(): number {
    return this.#total;
  }

  record(ms: number): void {
    this.#counts[bucketOf(ms)]! += 1;
    this.#total += 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The latency that the given share of all stays at or below, in milliseconds; 0 where there are none. */
  quantile(share: number): number {
    return quantileOf([this], share);
  }

  /** How many are in a bucket. */
  at(bucket: number): number {
    return this.#counts[bucket]!;
  }
}

/** The quantile over several histograms together, in milliseconds; 0 where all are empty. */
export function quantileOf(histograms: readonly LatencyHistogram[], share: number): number {
  const total = histograms.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return 0;
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  for (let bucket = 0; bucket < subBuckets * octaves; bucket++) {
    for (const histogram of histograms) seen += histogram.at(bucket);
    if (seen >= rank) return middleOf(bucket);
  }
  return middleOf(subBuckets * octaves - 1);
}

/** Below 32 µs a bucket is a microsecond; above, an octave has 32 buckets. */
function bucketOf(ms: number): number {
  const us = Math.min(Math.max(0, Math.round(ms * 1_000)), 0xffff_ffff);
  if (us < subBuckets) return us;
  const octave = 31 - Math.clz32(us);
  return (octave - 4) * subBuckets + ((us >>> (octave - 5)) - subBuckets);
}

function middleOf(bucket: number): number {
  if (bucket < subBuckets) return bucket / 1_000;
  const octave = Math.floor(bucket / subBuckets) + 4;
  const width = 2 ** (octave - 5);
  const low = (subBuckets + (bucket % subBuckets)) * width;
  return (low + (width - 1) / 2) / 1_000;
}

/** The latencies of the last while: two histograms, of which the older is cleared and reused. */
export class RecentLatency {
  readonly #halfMs: number;
  #current = new LatencyHistogram();
  #previous = new LatencyHistogram();
  #since = Number.NEGATIVE_INFINITY;

  /** Forgets what is older than the window, and nothing younger than half of it. */
  constructor(windowMs: number) {
    this.#halfMs = windowMs / 2;
  }

  record(ms: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.record(ms);
  }

  quantile(share: number, nowMs: number): number {
    this.#turn(nowMs);
    return quantileOf([this.#current, this.#previous], share);
  }

  #turn(nowMs: number): void {
    const age = nowMs - this.#since;
    if (age < this.#halfMs) return;
    [this.#current, this.#previous] = [this.#previous, this.#current];
    this.#current.clear();
    if (age >= 2 * this.#halfMs) this.#previous.clear();
    this.#since = nowMs;
  }
}
