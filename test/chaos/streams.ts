import { cp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { topicsOf } from '../../core/wire/stream.ts';
import { trainingTable } from './signal/simulator.ts';
import { trainingSet } from './ward/simulator.ts';

export const root = resolve(import.meta.dirname, '../..');

export const streamNames = ['plain', 'windows', 'facts'] as const;
export type StreamName = (typeof streamNames)[number];
/** One stream, or several beside each other: `both` are the first two. */
export const streamChoices = [...streamNames, 'both', 'all'] as const;
export type StreamChoice = (typeof streamChoices)[number];

/** A stream that a campaign runs. */
export interface StreamCase {
  readonly name: StreamName;
  /** Its name in the log. */
  readonly stream: string;
  readonly config: string;
  /** What its commands override beside the folder of models, given the folder of the campaign. */
  overrides(folder: string): readonly string[];
  /** How the devices send, given the readings a second that a person asked for. */
  flow(rate: number): readonly string[];
  /** Makes versions of its model in a folder. @param train - runs `gapline train` with overrides */
  makeModels(
    folder: string,
    models: string,
    train: (...overrides: readonly string[]) => Promise<unknown>,
  ): Promise<void>;
}

const plain: StreamCase = {
  name: 'plain',
  stream: 'spambase',
  config: join(root, 'examples/spambase/stream.yaml'),
  overrides: () => [],
  flow: (rate) => [`generator.rate=${rate}`, 'generator.batch=5'],
  async makeModels(_folder, models, train) {
    await cp(join(root, 'examples/spambase/models'), models, { recursive: true });
    // The plain model: what fails here is the line, not the labels.
    await rm(join(models, 'spambase/2'), { recursive: true });
    await train('training.trees=20', 'training.seed=2');
  },
};

const tableOf = (folder: string): string => join(folder, 'signal.csv');

const windows: StreamCase = {
  name: 'windows',
  stream: 'signal',
  config: join(import.meta.dirname, 'signal/stream.yaml'),
  overrides: (folder) => [`data.train=${tableOf(folder)}`],
  // Its own rate: records of many samples, whose windows overlap.
  flow: () => [],
  async makeModels(folder, _models, train) {
    await writeFile(tableOf(folder), trainingTable(7, 1_500));
    await train('training.seed=1');
    await train('training.seed=2');
    // Its windows are longer; their starts are the same.
    await train('training.seed=3', 'steps.2.length=3s');
  },
};

const facts: StreamCase = {
  name: 'facts',
  stream: 'ward',
  config: join(import.meta.dirname, 'ward/stream.yaml'),
  overrides: (folder) => [`data.train=${join(folder, 'ward.csv')}`, `data.facts=${join(folder, 'ward.ndjson')}`],
  flow: () => [],
  async makeModels(folder, _models, train) {
    const { table, facts: told } = trainingSet(7, 300);
    await writeFile(join(folder, 'ward.csv'), table);
    await writeFile(join(folder, 'ward.ndjson'), told);
    await train('training.seed=1');
    await train('training.seed=2');
  },
};

const cases: Readonly<Record<StreamName, StreamCase>> = { plain, windows, facts };

export function streamsOf(choice: StreamChoice): readonly StreamCase[] {
  if (choice === 'both') return [plain, windows];
  return choice === 'all' ? [plain, windows, facts] : [cases[choice]];
}

/** The topics of a stream in the log. */
export const topicsOfCase = ({ stream }: StreamCase) =>
  topicsOf(stream, stream === 'spambase' ? { readings: 'spam_data', predictions: 'spam_predictions' } : {});
