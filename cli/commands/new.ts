import { writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Dataset } from '../../core/dataset/dataset.ts';
import type { Decimal } from '../../core/dataset/number.ts';
import type { TimeUnit } from '../../core/dataset/time-cell.ts';
import type { Metrics } from '../../core/model/manifest.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { shellWord } from '../../core/wire/shell-word.ts';
import { validate } from '../../core/wire/validate.ts';
import { isNoBetter, majorityAccuracy, rareClass } from '../../training/label-checks.ts';
import { type TrainingConfig, trainingSchema } from '../../training/options.ts';
import { marginOf } from '../../training/prepare.ts';
import { loadConfig } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { folderOfNew, upCommand } from '../how-to-run.ts';
import { printLines } from '../print.ts';
import { chooseTraining } from './choose-training.ts';
import { makeFolder } from './make-folder.ts';
import type { WindowPlan } from './plan-windows.ts';
import { readNew } from './read-new.ts';
import { type DatasetParts, remarksOn } from './score-remarks.ts';
import { describeMaxGaps, trainFrom } from './train.ts';

export interface NewStreamOptions {
  readonly data: readonly string[];
  readonly truth?: string;
  readonly device?: string;
  readonly time?: string;
  readonly keep: readonly string[];
  readonly drop: readonly string[];
  readonly gap: readonly string[];
  readonly decimal?: Decimal;
  readonly timeUnit?: TimeUnit;
  readonly folder?: string;
  /** Where the rows are samples: how long the windows are that get a label. */
  readonly window?: string;
  /** Only the plain way to make a model is taken. */
  readonly quick?: boolean;
}

/** What `data.fields` may hold. */
const mostFields = 5_000;
/** For trying ways and making the model, on two cores: what is left of a minute then is enough to write it and to end. */
const budgetMs = 55_000;

/** Makes a stream of a table: its folder, the split data, a stream.yaml and a first model. Where that fails nothing is left behind. */
export async function newStream(name: string, options: NewStreamOptions): Promise<void> {
  const checked = validate(configSchema.shape.stream, name);
  if (!checked.success) {
    throw new GaplineError(
      'config-invalid',
      `${name}: expected a name of ${checked.error.issues.map(({ message }) => message).join('; ')}`,
    );
  }
  const folder = resolve(options.folder ?? folderOfNew(name));
  await makeFolder(folder, async (making) => {
    const { choice, parts, plan, columns, fields, warnings } = await readNew(options, join(making, 'data'));
    const config = join(making, 'stream.yaml');
    const testDevices = new Set(parts.test?.devices?.index).size;
    // From here on it is bounded; reading and writing the table takes as long as the table is.
    const leftMs = countdown(budgetMs);
    const { training, cost } = await chosenTraining(parts, options.quick ?? false);
    await writeFile(
      config,
      streamYaml({ name, columns, fields, truth: choice.label, training, plan, testDevices, ...options }),
    );
    const loaded = loadConfig(config);
    const isRare = rareClass(parts.dataset) !== undefined;
    // Where a class is rare, balanced weights are tried after the model is made.
    const made = await trainFrom(loaded, parts, { budget: { ...cost, leftMs: () => leftMs() * (isRare ? 0.6 : 1) } });
    const { metrics } = made;
    if (isNoBetter(metrics) && choice.guessed) refuseGuess(choice.label, metrics);
    printLines([
      describeScore(metrics, plan ? 'windows' : 'rows'),
      ...made.cuts.map((cut) => `to end within a minute it ${cut}; gapline train takes all of them, and its time`),
      describeMaxGaps(made, parts.dataset.width),
      ...(await remarksOn(loaded, parts, metrics, { ...cost, leftMs })),
      ...warnings,
    ]);
  });
  const shown = relative(process.cwd(), join(folder, 'stream.yaml'));
  printLines([`made ${shown}; now run:`, '', `  ${upCommand(shellWord(shown))}`]);
}

async function chosenTraining({ dataset, preparation }: DatasetParts, quick: boolean) {
  const how = { budgetMs, quick, ...marginOf(preparation) };
  const { changes, lines, cost } = await chooseTraining(dataset, trainingSchema.parse({}), how);
  printLines(lines);
  return { training: changes, cost };
}

function countdown(ms: number): () => number {
  const endMs = performance.now() + ms;
  return () => endMs - performance.now();
}

function describeScore(metrics: Metrics, what: string): string {
  const { accuracy, f1, rows } = metrics;
  const beside = `always predicting the most frequent label: ${majorityAccuracy(metrics).toFixed(3)}`;
  return `model: accuracy ${accuracy.toFixed(3)}, macro F1 ${f1.toFixed(3)} on the ${rows} ${what} of test.csv (${beside})`;
}

/** A guess that turns out to be worth nothing is none to build on. */
function refuseGuess(label: string, metrics: Metrics): never {
  const score = `accuracy ${metrics.accuracy.toFixed(3)}, always predicting the most frequent label ${majorityAccuracy(metrics).toFixed(3)}`;
  throw new GaplineError(
    'data-invalid',
    `the guessed label column "${oneLine(label)}" cannot be predicted from the values (${score}); name the label with --truth, or add columns that tell the labels apart. --truth ${shellWord(label)} makes it all the same`,
  );
}

interface YamlInput extends Pick<NewStreamOptions, 'keep' | 'data'> {
  readonly name: string;
  readonly columns: Dataset['columns'];
  readonly fields: Dataset['fields'];
  readonly truth: string;
  readonly training: Partial<TrainingConfig>;
  readonly plan: WindowPlan | undefined;
  /** Devices in test.csv. */
  readonly testDevices: number;
}

/** Each device sends a record a second, or a sample where those come more seldom. */
function replayOf({ sampling: { rate } }: WindowPlan, devices: number) {
  const perSecond = (devices * rate) / Math.max(1, Math.round(rate));
  return { samples: true, rate: Number(perSecond.toPrecision(6)), gaps: { pattern: 'burst', length: 50 } };
}

/** The roles of the columns are written down, so that the two parts are read as the whole was. */
function streamYaml({
  name,
  columns,
  fields,
  truth,
  training,
  plan,
  testDevices,
  keep,
  data: sources,
}: YamlInput): string {
  const named = (role: 'device' | 'time') => columns.find((column) => column.role === role)?.name;
  const [device, time] = [named('device'), named('time')];
  const judged = keep.length > 0 || columns.some(({ role }) => role === 'left out');
  const contents = {
    stream: name,
    data: {
      train: 'data/train.csv',
      replay: 'data/test.csv',
      truth,
      ...(device !== undefined && { device }),
      ...(time !== undefined && { time }),
      ...(judged && fields.length <= mostFields && { fields }),
    },
    ...(plan && { steps: plan.steps, generator: replayOf(plan, testDevices) }),
    ...(Object.keys(training).length > 0 && { training }),
    model: { name },
  };
  const text = stringify(contents, { aliasDuplicateObjects: false });
  const from = sources.map((source) => oneLine(basename(source))).join(', ');
  return `# Made from ${from}; docs/configuration.md lists everything that can be added.\n${text}`;
}
