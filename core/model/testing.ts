import { buildChain } from '../steps/chain.ts';
import { type StepSpec, stepsSchema } from '../steps/registry.ts';
import type { Draft } from './artifact.ts';
import { packAll } from './artifact.ts';
import { writeLibraryForest } from './forest/library-json.ts';
import { trainForest } from './forest/train.ts';
import { histogramsOf } from './histogram.ts';
import { fitImputer, type ImputerSpec } from './impute/fitted.ts';
import { type Manifest, modelFormat, modelFormatVersion } from './manifest.ts';
import { fitNeighbours } from './neighbours/neighbours.ts';
import { writeNeighbours } from './neighbours/neighbours-json.ts';
import { openArtifact } from './open.ts';
import type { Rows } from './rows.ts';
import { writeSelfTest } from './self-test.ts';

export interface SampleOptions {
  readonly fields?: readonly string[];
  readonly classes?: readonly string[];
  readonly imputer?: ImputerSpec;
  readonly seed?: number;
  readonly trees?: number;
  /** The ensemble weight of neighbours; default: there are none. */
  readonly neighbours?: number;
  /** What the steps take; `fields` are then what they give. */
  readonly channels?: readonly string[];
  readonly steps?: readonly StepSpec[];
}

const sampleRows = 60;

/** A value between 0 and 10, different for each place, the same each time. */
const valueAt = (row: number, column: number): number =>
  ((row * 7919 + column * 104_729 + row * column * 31) % 1_000) / 100;

/** Rows for tests, of three devices, a fifth of the values missing. */
export function sampleOf(width: number, count = sampleRows): Rows {
  const values = Float64Array.from({ length: count * width }, (_, at) =>
    (at * 13) % 5 === 0 ? Number.NaN : valueAt(Math.floor(at / width), at % width),
  );
  const devices = Array.from({ length: count }, (_, row) => `device ${row % 3}`);
  return {
    count,
    width,
    values,
    devices,
    times: BigInt64Array.from({ length: count }, (_, row) => BigInt(row) * 1_000_000_000n),
  };
}

/** The rows from one up to another. */
export function partOf(rows: Rows, from: number, to: number): Rows {
  const { width } = rows;
  return {
    count: to - from,
    width,
    values: rows.values.slice(from * width, to * width),
    devices: rows.devices.slice(from, to),
    times: rows.times.slice(from, to),
  };
}

/** What the steps of a sample give. */
const fieldsOf = ({ channels, steps }: SampleOptions): readonly string[] | undefined =>
  channels && steps && buildChain(steps, channels).shape.channels;

/** A small model for tests, trained within milliseconds on made-up rows. */
export async function sampleDraft(options: SampleOptions = {}): Promise<Draft> {
  const {
    fields = fieldsOf(options) ?? ['a', 'b', 'c_;'],
    classes = ['ham', 'spam'],
    imputer = { kind: 'mean' },
    seed = 1,
    trees = 5,
    neighbours,
    channels,
    steps,
  } = options;
  const stepParts = channels && steps && { channels: [...channels], steps: stepsSchema.parse(steps) };
  const width = fields.length;
  const rows = sampleOf(width);
  const values = rows.values.map((value) => (Number.isNaN(value) ? 5 : value));
  const labels = Int32Array.from({ length: rows.count }, (_, row) =>
    Math.floor((valueAt(row, 0) / 10) * classes.length),
  );
  const { forest } = await trainForest({
    values,
    count: rows.count,
    width,
    labels,
    classes: classes.length,
    options: { trees, seed },
  });
  const parts: Pick<Manifest, 'fields' | 'classes' | 'imputer' | 'estimator' | 'neighbours' | 'channels' | 'steps'> = {
    ...stepParts,
    fields: [...fields],
    classes: [...classes],
    imputer: fitImputer(rows, imputer),
    estimator: { kind: 'forest', file: 'forest.json.gz', engine: 'gapline', voting: 'mean' },
    ...(neighbours !== undefined && { neighbours: { file: 'neighbours.json.gz', share: neighbours } }),
  };
  const unpacked = new Map<string, unknown>([['forest.json.gz', writeLibraryForest(forest, { seed })]]);
  if (neighbours !== undefined) {
    const table = { count: rows.count, width, values };
    const input = { rows: table, copies: [rows.values], labels, classes: classes.length, steps: 10, seed };
    unpacked.set('neighbours.json.gz', writeNeighbours(await fitNeighbours(input)));
  }
  const files = await packAll(unpacked);
  const testRows = [0, 1, 2].map((row) =>
    Array.from({ length: width }, (_, column) => (column === row ? null : valueAt(row, column))),
  );
  return {
    files,
    manifest: {
      format: modelFormat,
      formatVersion: modelFormatVersion,
      created: '2026-01-01T00:00:00.000Z',
      ...parts,
      metrics: { on: 'test', rows: 1, accuracy: 1, f1: 1, confusion: classes.map(() => classes.map(() => 0)) },
      selfTest: await writeSelfTest(await openArtifact({ parts, files }), testRows),
      histograms: histogramsOf(rows),
      lineage: { data: { source: 'made up', rows: rows.count, sha256: '0'.repeat(64) }, seed, options: {} },
    },
  };
}
