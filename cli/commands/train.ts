import { resolve } from 'node:path';
import { type TrainResult, train } from '../../training/train.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { Progress } from '../progress.ts';
import { openDataset } from '../stream.ts';

export interface TrainCommandOptions {
  readonly config: string;
  readonly set: readonly string[];
}

export async function trainModel(options: TrainCommandOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const startedMs = performance.now();
  const result = await trainFrom(loaded);
  process.stdout.write(describe(result, performance.now() - startedMs));
}

/** Trains the next version from the data set of the configuration; scores it on the one to replay, where that is another. */
export async function trainFrom(loaded: LoadedConfig): Promise<TrainResult> {
  const { data, model, stream, training } = loaded.config;
  const dataset = await openDataset(loaded, 'train');
  const test =
    data.replay !== undefined && data.replay !== data.train
      ? await openDataset(loaded, 'replay', dataset.fields)
      : undefined;
  const progress = new Progress();
  const { imputer, constant, ...rest } = training;
  const result = await train({
    dataset,
    ...(test && { test }),
    options: { ...rest, imputer: imputer === 'constant' ? { kind: imputer, value: constant } : { kind: imputer } },
    registryFolder: resolve(loaded.folder, model.folder),
    name: model.name ?? stream,
    onProgress: ({ step, trees, of }) =>
      progress.show(step === 'fit' ? 'training' : 'scoring ', trees / of, `${trees}/${of} trees`),
  });
  progress.end();
  return result;
}

function describe({ identity, folder, metrics, champion }: TrainResult, tookMs: number): string {
  const { accuracy, f1, rows, on } = metrics;
  const serves = champion === identity.version ? 'it serves' : `version ${champion} goes on serving`;
  return [
    `${identity.name} version ${identity.version} in ${folder}`,
    `accuracy ${accuracy.toFixed(4)}, macro F1 ${f1.toFixed(4)} on ${rows} rows ${on === 'test' ? 'of the test data' : 'held out'}`,
    `trained in ${(tookMs / 1_000).toFixed(1)} s; ${serves}`,
    '',
  ].join('\n');
}
