import { z } from 'zod';
import type { ObjectStore } from '../objects/port.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { factMeasurement } from '../wire/fact-point.ts';
import type { Point } from '../wire/point.ts';
import type { Manifest } from './manifest.ts';

const pointSchema = z.object({
  device: z.string(),
  time: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

/** The facts of a measurement, as the archive gives them; none where it is no measurement of facts of the export. */
export async function* readFacts(
  objects: ObjectStore,
  manifest: Manifest,
  measurement: string,
): AsyncGenerator<Point[]> {
  for (const { kind, key, version, points: count } of manifest.facts) {
    if (factMeasurement(manifest.stream, kind) !== measurement) continue;
    const bytes = await objects.get(key, version);
    const lines = bytes === undefined ? [] : new TextDecoder().decode(bytes).split('\n').slice(0, -1);
    if (lines.length !== count)
      throw new GaplineError(
        'data-invalid',
        `${objects.name}/${key} is gone or has not its ${count} facts; export again`,
      );
    try {
      yield lines.map((line) => ({ measurement, ...pointSchema.parse(JSON.parse(line)) }));
    } catch (cause) {
      const detail = `${objects.name}/${key} cannot be read: ${describeError(cause)}; delete it, and export again`;
      throw new GaplineError('data-invalid', detail, { cause });
    }
  }
}
