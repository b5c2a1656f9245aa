import { writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Dataset } from '../../core/dataset/dataset.ts';
import { describeDataset } from '../../core/dataset/describe.ts';
import { giveaways } from '../../core/dataset/giveaway.ts';
import type { Decimal } from '../../core/dataset/number.ts';
import { readTable } from '../../core/dataset/read.ts';
import { rowsOf } from '../../core/dataset/rows-of.ts';
import { type Split, splitTable, stratifiedSplit } from '../../core/dataset/split.ts';
import { surveyTable } from '../../core/dataset/survey.ts';
import type { TimeUnit } from '../../core/dataset/time-cell.ts';
import type { Metrics } from '../../core/model/manifest.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { shellWord } from '../../core/wire/shell-word.ts';
import { sampleByLabel } from '../../training/budget.ts';
import { checkLabels, isNoBetter, labelRemarks, majorityAccuracy, rareClass } from '../../training/label-checks.ts';
import { type TrainingConfig, trainingSchema } from '../../training/options.ts';
import { marginOf } from '../../training/prepare.ts';
import { loadConfig } from '../config/load.ts';
import { configSchema } from '../config/schema.ts';
import { print as printText } from '../print.ts';
import { chooseLabel } from './choose-label.ts';
import { chooseTraining } from './choose-training.ts';
import { readSamples } from './find-device.ts';
import { makeFolder } from './make-folder.ts';
import { describePlan, planWindows, prepareParts, splitSamples, type WindowPlan } from './plan-windows.ts';
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
/** More rows than these make a model slower, hardly better, and are not looked at. */
const mostTrain = 250_000;
const mostTest = 50_000;
/** The share of the rows to train from, and the seed of the split. */
const split = { fraction: 0.8, seed: 1 };

/** Makes a stream of a table: its folder, the split data, a stream.yaml and a first model. Where that fails nothing is left behind. */
export async function newStream(name: string, options: NewStreamOptions): Promise<void> {
  const checked = configSchema.shape.stream.safeParse(name);
  if (!checked.success) {
    throw new GaplineError(
      'config-invalid',
      `${name}: expected a name of ${checked.error.issues.map(({ message }) => message).join('; ')}`,
    );
  }
  const folder = resolve(options.folder ?? join('examples', name));
  const { data, folder: _, ...columns } = options;
  await makeFolder(folder, async (making) => {
    const survey = await surveyTable(data, options.gap);
    const choice = await chooseLabel(survey, options.truth);
    const roles = { ...columns, truth: choice.label };
    const reading = options.window === undefined ? await readTable(roles, survey) : await readSamples(roles, survey);
    const { dataset } = reading;
    print([...describeDataset(dataset), `label column: ${oneLine(choice.label)} (${choice.because})`]);
    if ('foundDevice' in reading) print([deviceFound(String(reading.foundDevice))]);
    checkLabels(dataset);
    print(labelRemarks(dataset));
    const { parts, plan, ...way } =
      options.window === undefined ? rowParts(dataset) : windowParts(dataset, options.window);
    const files = { train: join(making, 'data', 'train.csv'), test: join(making, 'data', 'test.csv') };
    await splitTable(reading, { ...split, ...way, ...files });
    const config = join(making, 'stream.yaml');
    const testDevices = new Set(parts.test?.devices?.index).size;
    // From here on it is bounded; reading and writing the table takes as long as the table is.
    const leftMs = countdown(budgetMs);
    const { training, cost } = await chosenTraining(parts, options.quick ?? false);
    await writeFile(
      config,
      streamYaml({ name, dataset, truth: choice.label, training, plan, testDevices, ...options }),
    );
    const loaded = loadConfig(config);
    const isRare = rareClass(parts.dataset) !== undefined;
    // Where a class is rare, balanced weights are tried after the model is made.
    const made = await trainFrom(loaded, parts, { ...cost, leftMs: () => leftMs() * (isRare ? 0.6 : 1) });
    const { metrics } = made;
    if (isNoBetter(metrics) && choice.guessed) refuseGuess(choice.label, metrics);
    print([
      describeScore(metrics, plan ? 'windows' : 'rows'),
      ...made.cuts.map((cut) => `to end within a minute it ${cut}; gapline train takes all of them, and its time`),
      describeMaxGaps(made, parts.dataset.width),
      ...(await remarksOn(loaded, parts, metrics, { ...cost, leftMs })),
      ...warnings(dataset),
    ]);
  });
  const shown = relative(process.cwd(), join(folder, 'stream.yaml'));
  print([`made ${shown}; now run:`, '', `  npm start -- --config ${shellWord(shown)}`]);
}

const deviceFound = (name: string): string =>
  `device column: ${oneLine(name)} (found: the times of each of its names are regular; --device COLUMN names another)`;

interface Parts {
  readonly parts: DatasetParts;
  readonly split: Split;
  readonly plan?: WindowPlan;
}

function rowParts(dataset: Dataset): Parts {
  const found = stratifiedSplit({ labels: dataset.labels, ...split });
  const rows = { train: sampleOf(dataset, found.train, mostTrain), test: sampleOf(dataset, found.test, mostTest) };
  if (rows.train.length < found.train.length)
    print([
      `learns from ${rows.train.length} of ${found.train.length} training rows, and is scored on ${rows.test.length} of ${found.test.length}, even samples; gapline train learns from more`,
    ]);
  return { split: found, parts: { dataset: rowsOf(dataset, rows.train), test: rowsOf(dataset, rows.test) } };
}

/** So many of the rows at the most, with their part of every class. */
function sampleOf({ labels }: Dataset, rows: Int32Array, most: number): Int32Array {
  if (rows.length <= most) return rows;
  const chosen = sampleByLabel(
    Int32Array.from(rows, (row) => elementAt(labels, row)),
    most,
    split.seed,
  );
  return chosen.map((at) => elementAt(rows, at));
}

/** The same of a table of samples, which are cut into windows. */
function windowParts(dataset: Dataset, length: string): Parts {
  const plan = planWindows(dataset, length);
  print(describePlan(plan));
  const { split: found, how } = splitSamples(dataset, plan, split);
  const { remark, ...parts } = prepareParts(dataset, found, plan);
  print([how, remark]);
  return { plan, split: found, parts };
}

async function chosenTraining({ dataset, preparation }: DatasetParts, quick: boolean) {
  const how = { budgetMs, quick, ...marginOf(preparation) };
  const { changes, lines, cost } = await chooseTraining(dataset, trainingSchema.parse({}), how);
  print(lines);
  return { training: changes, cost };
}

function countdown(ms: number): () => number {
  const endMs = performance.now() + ms;
  return () => endMs - performance.now();
}

const print = (lines: readonly string[]): void => void printText(lines.map((line) => `${line}\n`).join(''));

function describeScore(metrics: Metrics, what: string): string {
  const { accuracy, f1, rows } = metrics;
  const beside = `always predicting the most frequent label: ${majorityAccuracy(metrics).toFixed(3)}`;
  return `model: accuracy ${accuracy.toFixed(3)}, macro F1 ${f1.toFixed(3)} on the ${rows} ${what} of test.csv (${beside})`;
}

const warnings = (dataset: Dataset): string[] =>
  giveaways(dataset).map(
    (field) =>
      `warning: "${oneLine(field)}" alone gives the label away; if it is only known with the outcome, leave it out: --drop ${shellWord(field)}`,
  );

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
  readonly dataset: Dataset;
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
function streamYaml({ name, dataset, truth, training, plan, testDevices, keep, data: sources }: YamlInput): string {
  const { columns, fields } = dataset;
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
