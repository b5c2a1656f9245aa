import type { Dataset } from '../../core/dataset/dataset.ts';
import { type Model, readingFields } from '../../core/model/model.ts';
import type { Registry } from '../../core/model/registry/port.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import type { LoadedConfig } from '../config/load.ts';
import { openDataset } from '../stream.ts';
import { madeRows, openExports } from './exported-data.ts';
import { namesExport, readingsOf } from './training-data.ts';

/** Versions of a stream, and what they are scored on. */
export interface Judging {
  readonly loaded: LoadedConfig;
  readonly registry: Registry;
  /** An export, of a split one its test part; anything else: the data to replay. */
  readonly data: string;
}

/** What a version is scored on; `isMade` where its steps made the rows already. */
export async function rowsToScore(
  { loaded, registry, data }: Judging,
  version: number,
  model: Model,
): Promise<{ readonly dataset: Dataset; readonly isMade: boolean }> {
  const fields = readingFields(model);
  if (!namesExport({ data, from: 'data' }))
    return { dataset: await openDataset(loaded, 'replay', fields), isMade: false };
  const opened = (await openExports({ data })).at(-1);
  if (!opened) throw new GaplineError('internal', 'no export was opened');
  const { exported, range, place } = opened;
  if (!exported.manifest.steps)
    return { dataset: await readingsOf(loaded, exported, range, place, fields), isMade: false };
  const { steps = [] } = await registry.manifest(version);
  if (!model.steps)
    throw new GaplineError(
      'config-invalid',
      `${place}: steps made its rows, and version ${version} has none; name the export that they were made of`,
    );
  const dataset = await madeRows(opened, loaded.config.stream, { steps, chain: model.steps.chain });
  return { dataset, isMade: true };
}
