import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { labelledRow } from '../core/model/labelled-row.ts';
import type { Model } from '../core/model/model.ts';
import { loadModel as loadVersion } from '../core/model/open.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { readRows } from './rows.ts';
import type { LoadedModel, LoadModelOptions } from './types.ts';

export type { LoadedModel, LoadModelOptions, Prediction, Row } from './types.ts';

/**
 * Loads a model version, checks its checksums and runs its self-test.
 * @param folder - of a version, such as `models/pumps/2`; or of the model, such as `models/pumps`: then the version that serves
 * @throws {Error} with a `code` of docs/errors.md: `model-missing` where there is none, `model-invalid` with the reason where it is
 * refused, also where the model labels windows of samples instead of rows
 */
export async function loadModel(folder: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const model = await open(resolve(folder), options.version);
  if (model.steps) {
    await model.close();
    const detail = `${folder}: its rows are made by steps (${model.steps.channels.length} channels), which take readings in the order of time`;
    throw new GaplineError('model-invalid', `${detail}; \`gapline predict\` and \`gapline serve\` run them`);
  }
  const session = model.open();
  return {
    name: model.identity.name,
    version: model.identity.version,
    fields: [...model.fields],
    classes: [...model.classes],
    async predict(rows) {
      const batch = readRows(rows, model.fields);
      const output = await session.predict(batch);
      // Rows of no device are of no use later, and would push devices out of what is remembered.
      if (rows.some(({ device }) => device !== undefined)) output.committed?.();
      return rows.map((_, row) => labelledRow(model, batch, output, row));
    },
    close: () => model.close(),
  };
}

async function open(folder: string, version: LoadModelOptions['version']): Promise<Model> {
  if (version === undefined && (await isFile(join(folder, 'model.json')))) return loadVersion(folder);
  const registry = openRegistry({ folder: dirname(folder), name: basename(folder) });
  if (version === undefined) return registry.current();
  const found = await registry.resolve(String(version));
  if (found === undefined) throw new GaplineError('model-missing', `${folder} has no version "${version}"`);
  return registry.load(found);
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
