import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { splitCsv } from '../../core/dataset/split.ts';
import { guessLabel, summariseColumns } from '../../core/dataset/summary.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { loadConfig } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { trainFrom } from './train.ts';

export interface NewStreamOptions {
  readonly data: string;
  readonly truth?: string;
  readonly folder?: string;
}

/** The share of the rows to train from, and the seed of the split. */
const split = { fraction: 0.8, seed: 1 };

/** Makes a stream of a CSV: its folder, the split data, a stream.yaml and a first model. */
export async function newStream(name: string, options: NewStreamOptions): Promise<void> {
  const checked = configSchema.shape.stream.safeParse(name);
  if (!checked.success) {
    throw new GaplineError(
      'config-invalid',
      `${name}: expected a name of ${checked.error.issues.map(({ message }) => message).join('; ')}`,
    );
  }
  const truth = options.truth ?? (await guessTruth(options.data));
  const folder = resolve(options.folder ?? join('examples', name));
  const config = join(folder, 'stream.yaml');
  await refuseExisting(config);

  const parts = await splitCsv({ file: options.data, truth, ...split });
  await mkdir(join(folder, 'data'), { recursive: true });
  await writeFile(join(folder, 'data', 'train.csv'), parts.train);
  await writeFile(join(folder, 'data', 'test.csv'), parts.test);
  await writeFile(config, streamYaml(name, truth, basename(options.data)));

  const { metrics } = await trainFrom(loadConfig(config));
  const shown = relative(process.cwd(), config);
  process.stdout.write(
    [
      `label column: ${truth}${options.truth === undefined ? ' (guessed; --truth COLUMN names another)' : ''}`,
      `model: accuracy ${metrics.accuracy.toFixed(3)}, macro F1 ${metrics.f1.toFixed(3)} on the ${metrics.rows} rows of test.csv`,
      `made ${shown}; now run:`,
      '',
      `  npm start -- --config ${shown}`,
      '',
    ].join('\n'),
  );
}

async function guessTruth(file: string): Promise<string> {
  const columns = await summariseColumns(file);
  const guess = guessLabel(columns);
  if (guess !== undefined) return guess;
  const names = columns.map((column) => column.name).join(', ');
  throw new GaplineError(
    'data-invalid',
    `${file}: no column looks like a label; name it with --truth, one of ${names}`,
  );
}

async function refuseExisting(config: string): Promise<void> {
  const exists = await stat(config).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new GaplineError('config-invalid', `${config} is there already; choose another name or --folder`);
  }
}

function streamYaml(name: string, truth: string, source: string): string {
  const text = stringify({
    stream: name,
    data: { train: 'data/train.csv', replay: 'data/test.csv', truth },
    model: { name },
  });
  return `# Made from ${source}; docs/configuration.md lists everything that can be added.\n${text}`;
}
