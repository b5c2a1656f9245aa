/**
 * Counts of durations in buckets that grow by a sixteenth of an octave (4.4 %), so that quantiles cost no sorting and windows add up.
 * From a hundredth of a millisecond to about ten minutes; what lies outside is counted in the outermost buckets.
 */
const perOctave = 16;
const smallestMs = 0.01;
const bucketCount = 26 * perOctave;

export type Histogram = Uint32Array;

export function emptyHistogram(): Histogram {
  return new Uint32Array(bucketCount);
}

export function count(histogram: Histogram, durationMs: number): void {
  const bucket = Math.floor(Math.log2(Math.max(durationMs, smallestMs) / smallestMs) * perOctave);
  histogram[Math.min(bucket, bucketCount - 1)]! += 1;
}

export function addTo(sum: Histogram, histogram: Histogram): void {
  for (let bucket = 0; bucket < bucketCount; bucket += 1) sum[bucket]! += histogram[bucket]!;
}

/** The duration below which a share `q` of the counts lies, to about 2 %; null of an empty histogram. */
export function quantile(histogram: Histogram, q: number): number | null {
  let total = 0;
  for (const bucket of histogram) total += bucket;
  if (total === 0) return null;
  let below = 0;
  let last = 0;
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    if (histogram[bucket] === 0) continue;
    last = bucket;
    below += histogram[bucket]!;
    if (below >= q * total) break;
  }
  return smallestMs * 2 ** ((last + 0.5) / perOctave);
}
