import { pino } from 'pino';
import type { Dataset } from '../../core/dataset/dataset.ts';
import type { GeneratorOptions } from '../generator.ts';
import { replay } from '../replay.ts';

/** A data set whose rows are all different. */
export function datasetOf(count: number, width = 4): Dataset {
  return {
    file: 'test.csv',
    fields: Array.from({ length: width }, (_, field) => `field "${field}"`),
    count,
    width,
    values: Float64Array.from({ length: count * width }, (_, at) => at / 8),
    classes: ['x', 'y'],
    labels: Int32Array.from({ length: count }, (_, row) => row % 2),
    columns: [],
    notes: [],
  };
}

/** Options of a generator that sends 100 rows by 5 devices again and again, as fast as they are taken. */
export function optionsOf(url: string, changes: Partial<GeneratorOptions> = {}): GeneratorOptions {
  return {
    source: replay({ dataset: datasetOf(100), devices: 5, seed: 1 }),
    url,
    rate: 0,
    batch: 1,
    concurrency: 3,
    gaps: { rate: 0.3, pattern: 'burst', length: 5 },
    seed: 1,
    repeat: true,
    logger: pino({ level: 'silent' }),
    ...changes,
  };
}
