import type { Classifier } from '../classifier/classifier.ts';

/** What a run did, for people or as one JSON object on one line. Latencies are from received to committed. */
export function summarise(totals: ReturnType<Classifier['totals']>, format: 'json' | 'text'): string {
  const { readings, gaps, labels, deadLetters, skipped, accuracy, f1, p50Ms, p99Ms, model } = totals;
  const known = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : value);
  const figures = {
    readings,
    gaps,
    labels,
    deadLetters,
    skipped,
    accuracy: known(accuracy),
    f1: known(f1),
    p50Ms: known(p50Ms),
    p99Ms: known(p99Ms),
    model: model ?? null,
  };
  if (format === 'json') return `${JSON.stringify(figures)}\n`;
  const quality = figures.accuracy === null ? '' : `, accuracy ${figures.accuracy.toFixed(3)}`;
  return `${readings} readings with ${gaps} gaps: ${labels} labels, ${deadLetters} dead letters, ${skipped} skipped${quality}\n`;
}
