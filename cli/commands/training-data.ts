import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../core/dataset/dataset.ts';
import { manifestKey } from '../../core/partitions/manifest.ts';
import { readingsFolder } from '../../core/partitions/names.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { parseRange, readArchive } from '../../training/archive.ts';
import { readArchivedFacts } from '../../training/archived-facts.ts';
import type { LoadedConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { openStore } from '../open.ts';
import { isBucket } from '../open-objects.ts';
import { complain } from '../print.ts';
import { openDataset, resolveStream } from '../stream.ts';
import { madeParts, openExports, splitParts } from './exported-data.ts';
import type { DatasetParts } from './score-remarks.ts';

/** Where the rows to train from are. */
export interface DataOptions {
  /** Where state lives; or an export, which is a folder with a manifest, or s3://BUCKET/PREFIX. */
  readonly data: string;
  readonly logLevel: string;
  readonly from: 'data' | 'archive';
  readonly range?: string;
  readonly asOf?: string;
  readonly store?: string;
}

/** Windows are cut from all samples, or from none. */
const mostSamples = 2_000_000;

/** Whether `--data` names an export, in place of the folder where state lives. One that was never finished is an export, too. */
export function namesExport({ data, from, asOf }: Pick<DataOptions, 'data' | 'from' | 'asOf'>): boolean {
  const holds = (name: string) => existsSync(join(data, name));
  const isSplit = splitParts.every((part) => holds(join(part, manifestKey)));
  const is = isBucket(data) || (from === 'data' && (holds(manifestKey) || holds(readingsFolder) || isSplit));
  if (is && from === 'archive')
    throw new GaplineError('config-invalid', `--data ${data} is an export; leave out --from archive`);
  if (!is && asOf !== undefined)
    throw new GaplineError('config-invalid', '--as-of is for an export in a bucket: --data s3://BUCKET/PREFIX');
  return is;
}

/** What is learnt from, and where there is other data to score the model on, that. */
export async function openParts(loaded: LoadedConfig, options: DataOptions): Promise<DatasetParts> {
  if (namesExport(options)) return await openExported(loaded, options);
  if (options.from === 'archive') return { dataset: await openArchive(loaded, options) };
  const { data } = options;
  if (data !== 'data' && !existsSync(data))
    complain(`--data ${data} is not there; the table of ${loaded.file} is taken\n`);
  return await openDatasets(loaded);
}

/**
 * Readings with truth, gaps and all, out of the store or of an export of it.
 * @param fields - the values to take, in this order; default: those of the stream
 */
export async function readingsOf(
  loaded: LoadedConfig,
  store: Pick<SeriesStore, 'read' | 'visit'>,
  range: { readonly from: string; readonly to: string },
  place?: string,
  fields?: readonly string[],
): Promise<Dataset> {
  const { name, fields: own, facts: kinds } = await resolveStream(loaded);
  const archived = await readArchive({
    ...{ store, stream: name, fields: fields ?? own, range },
    ...(place !== undefined && { place }),
    ...(loaded.config.steps.length > 0 && { whole: true, maxRows: mostSamples }),
  });
  const facts = kinds && (await readArchivedFacts(store, name, kinds));
  const { count, withoutTruth, leftOut } = archived;
  complain(`${count} readings with truth; ${withoutTruth} have none, ${leftOut} are more than fit\n`);
  return { ...archived, ...(facts && { facts }) };
}

async function openArchive(loaded: LoadedConfig, options: DataOptions): Promise<Dataset> {
  const { data: dataFolder, store: url, range = '-7d', logLevel } = options;
  const { retentionDays } = loaded.config.store;
  const store = await openStore({ url, dataFolder, logger: await createLogger(logLevel), retentionDays });
  await store.start();
  try {
    return await readingsOf(loaded, store, parseRange(range, Date.now()));
  } finally {
    await store.stop();
  }
}

/** Readings of one export or two, or rows that the stream's steps made of them elsewhere. */
async function openExported(loaded: LoadedConfig, options: DataOptions): Promise<DatasetParts> {
  const exports = await openExports(options);
  if (exports.some(({ exported }) => exported.manifest.steps)) return await madeParts(loaded, exports);
  const [dataset, test] = await Promise.all(
    exports.map(({ place, exported, range }) => readingsOf(loaded, exported, range, place)),
  );
  if (!dataset) throw new GaplineError('internal', 'no export was opened');
  return { dataset, test };
}

/** The data set to train from, and the one to replay where that is another: it scores the model. */
async function openDatasets(loaded: LoadedConfig) {
  const { train: from, replay } = loaded.config.data;
  const dataset = await openDataset(loaded, 'train');
  const test =
    replay !== undefined && replay !== from ? await openDataset(loaded, 'replay', dataset.fields) : undefined;
  return { dataset, test };
}
