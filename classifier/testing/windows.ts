import type { StepSpec } from '../../core/steps/registry.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { doubleModel } from './doubles.ts';
import { openLine, type ReadingParts, untilTaken } from './line.ts';

export const window: StepSpec = { use: 'window', length: '1s', grace: '200ms' };
export const steps: readonly StepSpec[] = [window, { use: 'statistics', features: ['mean', 'max'] }];
export const second = 1_000_000_000;
export const startNs = 1_700_000_000 * second;

/** Five devices, 10 samples a second each, some values missing, some samples out of order. */
export function samples(seconds: number): ReadingParts[] {
  const all: ReadingParts[] = [];
  for (let at = 0; at < seconds * 10; at++)
    for (let device = 0; device < 5; device++) {
      const value = (at * 7 + device * 3) % 11;
      const early = at % 10 === 4 && device === 1 ? 1 : 0;
      all.push({
        device: `d${device}`,
        time: startNs + (at + early) * (second / 10),
        values: { a: at % 6 === device ? null : value, b: value * 2 },
        truth: device === 0 && at % 20 === 0 ? 'low' : 'high',
      });
    }
  return all;
}

/** What must be the same however a run went: all of a prediction but its latency. */
export const identities = (predictions: readonly Prediction[]) =>
  predictions
    .map(({ latencyMs: _, received: __, stream: ___, ...rest }) => JSON.stringify(rest))
    .sort((a, b) => (a < b ? -1 : 1));

export async function undisturbed(
  readings: readonly ReadingParts[],
  options: { steps: readonly StepSpec[] } = { steps },
): Promise<string[]> {
  const own = await openLine();
  try {
    await own.classify(doubleModel(options));
    await own.send(...readings);
    await untilTaken(own);
    return identities(await own.predictions());
  } finally {
    await own.close();
  }
}
