import { expect, test, vi } from 'vitest';
import type { StepSpec } from '../../core/steps/registry.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { doubleModel } from '../testing/doubles.ts';
import { patient, type ReadingParts } from '../testing/line.ts';
import { linesOfEachTest } from '../testing/lines.ts';

const mean: StepSpec = { use: 'statistics', features: ['mean'] };
const short: readonly StepSpec[] = [{ use: 'window', length: '1s' }, mean];
const long: readonly StepSpec[] = [{ use: 'window', length: '2s' }, mean];
const second = 1_000_000_000;
const startNs = 1_700_000_000 * second;

const lines = linesOfEachTest();

/** Two devices, five samples a second each. */
const readings = Array.from({ length: 90 }, (_, at): ReadingParts => {
  const [device, tick] = [at % 2, at >> 1];
  const values = { a: (tick * 7 + device) % 11, b: tick % 4 === device ? null : 3 };
  return { device: `d${device}`, time: startNs + tick * (second / 5), values };
});

const resultsOf = (predictions: readonly Prediction[]) =>
  predictions.map(({ latencyMs: _, received: __, stream: ___, model: ____, ...rest }) => JSON.stringify(rest)).sort();

test('a challenger with windows of another length labels its own; only windows that end together are compared', async () => {
  const alone = await lines.open();
  const other = await alone.classify(doubleModel({ steps: long }));
  await alone.send(...readings);
  await other.taken(readings.length);
  const wanted = resultsOf(await alone.predictions());
  expect(wanted.length).toBe(8);

  const line = await lines.open();
  const challenger = doubleModel({ version: 2, steps: long });
  const challengers = { resolve: async () => 2, load: async () => challenger };
  const classifier = await line.classify(doubleModel({ steps: short }), { challengers, maxBatch: 7 });
  await vi.waitFor(() => expect(classifier.totals().challenger).toEqual({ name: 'double', version: 2 }), patient);
  await line.send(...readings);
  await classifier.taken(readings.length);

  expect((await line.predictions()).length).toBe(16);
  const shadow = await line.predictions(line.stream.topics.shadow);
  expect(resultsOf(shadow)).toEqual(wanted);
  // Of the sixteen windows of a second, eight end where one of two seconds does.
  expect(classifier.totals().comparison).toMatchObject({ readings: 8, skipped: 8 });
});
