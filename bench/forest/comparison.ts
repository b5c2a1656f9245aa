import { median } from '../report.ts';
import { spent } from '../spent.ts';

/** What one round took. */
export interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Ours divided by theirs: below one is better. */
export interface Comparison {
  /** The least seconds of either. */
  readonly theirs: number;
  readonly ours: number;
  readonly byMinimum: number;
  readonly byMedian: number;
  readonly byCpu: number;
}

export function comparison(theirs: readonly Cost[], ours: readonly Cost[]): Comparison {
  const least = (costs: readonly Cost[], of: keyof Cost) => Math.min(...costs.map((cost) => cost[of]));
  const middle = (costs: readonly Cost[]) => median(costs.map((cost) => cost.seconds));
  return {
    theirs: least(theirs, 'seconds'),
    ours: least(ours, 'seconds'),
    byMinimum: least(ours, 'seconds') / least(theirs, 'seconds'),
    byMedian: middle(ours) / middle(theirs),
    byCpu: least(ours, 'cpuSeconds') / least(theirs, 'cpuSeconds'),
  };
}

export async function timed(work: () => unknown): Promise<Cost> {
  const [, { seconds, cpu }] = await spent(work);
  return { seconds, cpuSeconds: cpu };
}
