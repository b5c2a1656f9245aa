import { join } from 'node:path';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { sampleDraft } from '../../core/model/testing.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { trainingOptions, trainingSchema } from '../../training/options.ts';
import { train } from '../../training/train.ts';
import type { GatewayStream } from '../stream.ts';

const classes = ['cold', 'warm'];

/** Two fields, of which the first decides: below a half is cold. */
export function rowsOfTemperature(count: number) {
  const values = Float64Array.from({ length: count * 2 }, (_, at) => (at % 2 === 0 ? (at / 2 / count) * 1.01 : at % 7));
  const labels = Int32Array.from({ length: count }, (_, row) => ((values[row * 2] ?? 0) < 0.5 ? 0 : 1));
  return { count, width: 2, values, classes, labels };
}

/** A stream with a folder of models, and a version for each number of rows that it learnt the wrong label of. */
export async function makeStream(
  folder: string,
  name: string,
  versions: readonly number[] = [0],
): Promise<GatewayStream> {
  const models = openRegistry({ folder: join(folder, 'models'), name });
  const rows = rowsOfTemperature(60);
  for (const wrong of versions) {
    const labels = rows.labels.map((label, row) => ((row * 7) % 60 < wrong ? 1 - label : label));
    await train({
      dataset: { ...rows, labels, file: 'temperatures.csv', fields: ['temperature', 'noise'], columns: [], notes: [] },
      options: trainingOptions(trainingSchema.parse({ trees: 5 })),
      registry: models,
    });
  }
  return {
    name,
    models,
    testRows: () => Promise.resolve(rows),
    testIsApart: true,
    checkTraining({ trees: wanted }) {
      if (wanted === 13) throw new GaplineError('config-invalid', 'training.trees: 13 trees bring bad luck');
    },
  };
}

/** A stream whose model takes windows of ten samples. */
export async function makeWindowedStream(folder: string, name: string): Promise<GatewayStream> {
  const models = openRegistry({ folder: join(folder, 'models'), name });
  const steps = [
    { use: 'window', length: '1s', rate: 10 },
    { use: 'statistics', features: ['mean'] },
  ];
  await models.publish(await sampleDraft({ channels: ['x', 'y'], steps: steps as never }));
  return {
    ...{ name, models, testIsApart: false },
    testRows: () => Promise.reject(new GaplineError('config-invalid', 'the stream names no data')),
    checkTraining() {},
  };
}
