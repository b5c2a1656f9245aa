import { basename } from 'node:path';
import type { Dataset } from '../core/dataset/csv.ts';
import { stratifiedSplit } from '../core/dataset/split.ts';
import { packJson } from '../core/model/artifact.ts';
import { histogramsOf } from '../core/model/histogram.ts';
import { type Metrics, modelFormat, modelFormatVersion } from '../core/model/manifest.ts';
import type { Model, ModelIdentity } from '../core/model/model.ts';
import { championAlias, type Draft, openRegistry } from '../core/model/registry.ts';
import { writeSelfTest } from '../core/model/self-test.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { score } from './metrics.ts';
import type { TrainingOptions } from './options.ts';
import { hashDataset, type LabelledRows, labelledRows, labelRows, pickRows } from './rows.ts';
import { pickSelfTestRows } from './self-test-rows.ts';
import { fitTrial, forestFile } from './trial.ts';

export interface TrainProgress {
  /** `score`: a model that never saw the fifth it is scored on; `fit`: the model itself. */
  readonly step: 'score' | 'fit';
  readonly trees: number;
  readonly of: number;
}

export interface TrainInput {
  readonly dataset: Dataset;
  /** Rows to score on, with the same fields. Without them a fifth of the data set is held out for that. */
  readonly test?: Dataset;
  readonly options: TrainingOptions;
  /** Where models live; the version is made in `registryFolder/name/`. */
  readonly registryFolder: string;
  readonly name: string;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
}

export interface TrainResult {
  readonly identity: ModelIdentity;
  readonly folder: string;
  readonly metrics: Metrics;
  /** The version that serves after this. */
  readonly champion: number;
}

/** More classes than this are a mistake: the truth column is likelier a name or a measurement. */
const maxClasses = 1_000;

/**
 * Trains the next version of a model. It becomes the champion only where there is none.
 * @throws {GaplineError} `data-invalid` where nothing can be learnt from the data set.
 */
export async function train(input: TrainInput): Promise<TrainResult> {
  const { dataset, registryFolder, name } = input;
  checkDataset(dataset, input.test);
  const draft = await makeDraft(input);
  const registry = openRegistry({ folder: registryFolder, name });
  const identity = await registry.publish(draft);
  const champion = (await registry.aliases()).get(championAlias);
  if (champion === undefined) await registry.point(championAlias, identity.version);
  return {
    identity,
    folder: registry.folderOf(identity.version),
    metrics: draft.manifest.metrics,
    champion: champion ?? identity.version,
  };
}

async function makeDraft({ dataset, test, options, onProgress, now = () => new Date() }: TrainInput): Promise<Draft> {
  const { classes, fields } = dataset;
  const rows = labelledRows(dataset, classes);
  const run = (step: TrainProgress['step'], part: LabelledRows) =>
    fitTrial({
      rows: part,
      fields,
      classes,
      options,
      ...(onProgress && { onProgress: (done) => onProgress({ step, ...done }) }),
    });
  const held = test ? undefined : stratifiedSplit({ labels: rows.labels, fraction: 0.8, seed: options.seed });
  const scored = held && (await run('score', pickRows(rows, held.train)));
  const final = await run('fit', rows);
  const metrics: Metrics = {
    on: held ? 'holdout' : 'test',
    ...(await scoreOn((scored ?? final).model, held ? pickRows(rows, held.test) : labelledRows(test!, classes))),
  };
  return {
    files: new Map([[forestFile, await packJson(final.forest)]]),
    manifest: {
      format: modelFormat,
      formatVersion: modelFormatVersion,
      created: now().toISOString(),
      ...final.parts,
      metrics,
      selfTest: await writeSelfTest(final.model, pickSelfTestRows(rows)),
      histograms: histogramsOf(rows),
      lineage: {
        data: { source: basename(dataset.file), rows: rows.count, sha256: hashDataset(dataset) },
        seed: options.seed,
        options: { ...options },
      },
    },
  };
}

async function scoreOn(model: Model, rows: LabelledRows) {
  return score(rows.labels, await labelRows(model.open(), rows), model.classes.length);
}

function checkDataset(dataset: Dataset, test: Dataset | undefined): void {
  const { file, classes } = dataset;
  const fail = (detail: string): never => {
    throw new GaplineError('data-invalid', detail);
  };
  if (classes.length < 2) {
    const found = classes.length === 0 ? 'no label' : `no label but "${classes[0]}"`;
    fail(`${file}: ${found} is there to learn; a label column of at least two different values is needed`);
  }
  if (classes.length > maxClasses)
    fail(`${file}: ${classes.length} different labels are too many; is that the label column?`);
  if (!test) return;
  const missing = dataset.fields.filter((name, index) => test.fields[index] !== name);
  if (missing.length > 0 || test.width !== dataset.width) fail(`${test.file}: has other value columns than ${file}`);
  if (!test.classes.some((name) => classes.includes(name))) fail(`${test.file}: has none of the labels of ${file}`);
}
