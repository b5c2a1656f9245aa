import type { Dataset } from '../../core/dataset/dataset.ts';
import { manifestKey } from '../../core/partitions/manifest.ts';
import { type ExportReader, openExport } from '../../core/partitions/read.ts';
import { loadOwnSteps } from '../../core/steps/load.ts';
import { type StepSpec, stepsSchema } from '../../core/steps/registry.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { maxTimeNs, minTimeNs } from '../../core/wire/time.ts';
import { validate } from '../../core/wire/validate.ts';
import { parseRange, readArchive, type TimeRange } from '../../training/archive.ts';
import { type Preparation, preparationOf } from '../../training/prepare.ts';
import type { LoadedConfig } from '../config/load.ts';
import { openObjects } from '../open-objects.ts';
import { complain } from '../print.ts';
import { resolveStream } from '../stream.ts';

/** Parts of what splits an export by device: what is learnt from, and what it is scored on. */
export const splitParts = ['train', 'test'] as const;

export interface ExportOptions {
  /** A folder, or s3://BUCKET/PREFIX. */
  readonly data: string;
  readonly range?: string;
  readonly asOf?: string;
}

/** An export, and what of it is wanted. */
export interface OpenedExport {
  readonly place: string;
  readonly exported: ExportReader;
  readonly range: TimeRange;
}

/**
 * The exports at a place: one, or two where it is split, the first to learn from and the second to score on.
 * @throws {GaplineError} `data-invalid` where there is none
 */
export async function openExports({ data, range, asOf }: ExportOptions): Promise<OpenedExport[]> {
  const places = splitParts.map((part) => `${data.replace(/\/+$/, '')}/${part}`);
  const isSplit = await Promise.all(
    places.map(async (place) => await (await openObjects('--data', place)).head(manifestKey)),
  );
  const whole = { from: minTimeNs.toString(), to: (maxTimeNs + 1n).toString() };
  const open = async (place: string): Promise<OpenedExport> => {
    const exported = await openExport(await openObjects('--data', place), asOf);
    complain(`the export ${place}, as of ${exported.manifest.written}\n`);
    return { place, exported, range: range === undefined ? whole : parseRange(range, Date.now()) };
  };
  return await Promise.all((isSplit.every((found) => found !== undefined) ? places : [data]).map(open));
}

/** Rows that steps made elsewhere, by device and then by time; those without truth are left out. */
export async function madeRows(
  { place, exported, range }: OpenedExport,
  stream: string,
  { steps, chain }: Pick<Preparation, 'steps' | 'chain'>,
): Promise<Dataset> {
  checkSteps(place, exported.manifest.steps, steps);
  const fields = chain.shape.channels;
  const columns = new Set(exported.manifest.columns.flat().map(({ field }) => field));
  const missing = fields.filter((name) => !columns.has(name));
  if (missing.length > 0)
    throw new GaplineError(
      'data-invalid',
      `${place}: the steps of the stream make ${missing.length} columns that it has not, the first is ${missing[0]}`,
    );
  const rows = await readArchive({ store: exported, place, stream, fields, range });
  complain(`${rows.count} rows with truth; ${rows.withoutTruth} have none, ${rows.leftOut} are more than fit\n`);
  return rows;
}

/** Rows of other steps would make a model that labels none of the line's readings rightly. */
function checkSteps(place: string, made: unknown, wanted: readonly StepSpec[]): void {
  const [theirs, ours] = [validate(stepsSchema, made), stepsSchema.parse(wanted)];
  const [there, here] = [theirs.data, ours].map((steps) => JSON.stringify(steps));
  if (there !== here)
    throw new GaplineError(
      'config-invalid',
      `${place}: its rows were made by steps: ${JSON.stringify(made)}; those of the stream are ${JSON.stringify(wanted)}; make them alike`,
    );
}

/** What the steps of the stream make of its readings, made elsewhere: see `examples/ecg/etl.py`. */
export async function madeParts(loaded: LoadedConfig, exports: readonly OpenedExport[]) {
  const { name, fields } = await resolveStream(loaded);
  const { steps } = loaded.config;
  const preparation = preparationOf(steps, fields, await loadOwnSteps(steps, loaded.folder));
  const [dataset, test] = await Promise.all(exports.map((each) => madeRows(each, name, preparation)));
  if (!dataset) throw new GaplineError('internal', 'no export was opened');
  return { dataset, test, preparation };
}
