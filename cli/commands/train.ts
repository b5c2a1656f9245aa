import { describeDataset } from '../../core/dataset/describe.ts';
import { rowsOf, sampleRows } from '../../core/dataset/rows-of.ts';
import type { Metrics } from '../../core/model/manifest.ts';
import { promote } from '../../core/model/registry/promotion.ts';
import { loadOwnSteps } from '../../core/steps/load.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { shellWord } from '../../core/wire/shell-word.ts';
import type { Budget } from '../../training/budget.ts';
import { type CandidateResult, compare } from '../../training/compare.ts';
import { keptDrafts } from '../../training/kept-draft.ts';
import { labelRemarks, majorityAccuracy } from '../../training/label-checks.ts';
import { trainingOptions } from '../../training/options.ts';
import { type PreparedDataset, preparationOf, prepareDataset } from '../../training/prepare.ts';
import { waysBySteps } from '../../training/series-ways.ts';
import { type TrainInput, type TrainResult, train } from '../../training/train.ts';
import { setLine, type Way } from '../../training/ways.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { demandSteps } from '../configured-steps.ts';
import { complain, print as printText } from '../print.ts';
import { Progress } from '../progress.ts';
import { draftsOf, openModels, operator } from '../stream.ts';
import { type DatasetParts, remarksOn } from './score-remarks.ts';
import { type DataOptions, openParts } from './training-data.ts';

export interface TrainCommandOptions extends DataOptions {
  readonly set: readonly string[];
  readonly config: string;
  readonly compare?: boolean;
  readonly promoteBest?: boolean;
  /** Cross-validation in so many folds. */
  readonly cv?: number;
}

export async function trainModel(options: TrainCommandOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  if (options.cv !== undefined && (options.compare || options.promoteBest))
    throw new GaplineError(
      'config-invalid',
      '--cv is for one way to make a model; leave out --compare and --promote-best',
    );
  await demandSteps(loaded);
  if (options.compare || options.promoteBest) return await compareWays(loaded, options);
  await tellOfDrafts(loaded);
  const startedMs = performance.now();
  const raw = await openParts(loaded, options);
  const described = describeDataset(raw.dataset);
  const parts = await prepared(loaded, raw);
  const words = [...described, ...labelRemarks(parts.dataset)];
  printText(words.map((line) => `${line}\n`).join(''));
  const result = await trainFrom(loaded, parts, { folds: options.cv });
  printText(describeFolds(result.metrics.crossValidation));
  printText(describe(result, performance.now() - startedMs));
  printText(`${describeMaxGaps(result, parts.dataset.width)}\n`);
  const remarks = await remarksOn(loaded, parts, result.metrics);
  printText(remarks.map((line) => `${line}\n`).join(''));
}

/** What a training before could not register, because MLflow was unavailable or the process was killed. */
async function tellOfDrafts(loaded: LoadedConfig): Promise<void> {
  const drafts = draftsOf(loaded);
  if (!drafts) return;
  for (const folder of await keptDrafts(drafts.folder))
    complain(`${folder} was trained and may not be registered: ${drafts.command(folder)}\n`);
}

/** More rows make a forest slower, hardly better: of a larger table an even sample is learnt from. */
const mostRows = 1_000_000;

/** How a training is done, beside its options. */
export interface TrainHow extends Pick<TrainInput, 'threads' | 'task' | 'folds'> {
  readonly budget?: Budget | undefined;
  /** Default: shown on standard error. */
  readonly onProgress?: TrainInput['onProgress'];
}

/** Trains the next version. */
export async function trainFrom(
  loaded: LoadedConfig,
  { dataset: all, test, preparation }: DatasetParts,
  { budget, onProgress, ...task }: TrainHow = {},
): Promise<TrainResult> {
  const { training } = loaded.config;
  const dataset = all.count > mostRows ? rowsOf(all, sampleRows(all.count, mostRows)) : all;
  if (dataset !== all) complain(`learns from ${mostRows} of ${all.count} rows, an even sample\n`);
  const progress = new Progress();
  const result = await train({
    dataset,
    ...(test && { test }),
    ...(preparation && { preparation }),
    ...task,
    budget,
    options: trainingOptions(training),
    registry: openModels(loaded),
    drafts: draftsOf(loaded),
    onProgress: (now) => {
      const { step, of, done, all } = now;
      if (onProgress) onProgress(now);
      else progress.show(step === 'fit' ? 'training' : 'scoring ', done / Math.max(1, all), `${done}/${all} ${of}`);
    },
  });
  progress.end();
  return result;
}

/** What the steps of the stream make of readings, unless they did already; without steps, the readings. */
export async function prepared(
  loaded: LoadedConfig,
  { dataset, test, preparation: made }: DatasetParts,
  steps: readonly StepSpec[] = loaded.config.steps,
): Promise<DatasetParts> {
  if (made && steps !== loaded.config.steps)
    throw new GaplineError('config-invalid', `${dataset.file} has rows that other steps made`);
  if (made || steps.length === 0) return { dataset, test, preparation: made };
  const preparation = preparationOf(steps, dataset.fields, await loadOwnSteps(steps, loaded.folder));
  const rows = prepareDataset(dataset, preparation);
  complain(`${describePrepared(dataset.count, rows)}\n`);
  return { dataset: rows, test: test && prepareDataset(test, preparation), preparation };
}

function describePrepared(samples: number, { count, width, skipped, mixed }: PreparedDataset): string {
  const left = Object.entries(skipped).map(([reason, number]) => `, ${number} skipped (${reason})`);
  const without = mixed > 0 ? `; ${mixed} hold samples of different labels and teach nothing` : '';
  return `the steps make ${count} rows of ${width} columns out of ${samples} samples${left.join('')}${without}`;
}

/** What becomes of readings with many gaps. */
export function describeMaxGaps({ maxGaps }: TrainResult, fields: number): string {
  return maxGaps === undefined
    ? 'every reading gets a label, however many of its values are missing'
    : `a reading with more than ${maxGaps} of ${fields} values missing gets the label unknown: guesses would be no better than the most frequent label (--set training.maxGaps=${fields} labels all)`;
}

const scoredOn: { readonly [On in Metrics['on']]: string } = {
  holdout: 'held out',
  test: 'of the test data',
  folds: 'of the folds',
  import: 'that it was imported with',
};

/** A table: how right the model of each fold is, and all rows together. */
function describeFolds(figures: Metrics['crossValidation']): string {
  if (!figures) return '';
  const row = (name: string, cells: readonly string[]) =>
    `${[name.padEnd(20), ...cells.map((cell) => cell.padStart(13))].join('')}\n`;
  const scores = ({ rows, accuracy, f1, weightedF1, youden }: NonNullable<Metrics['crossValidation']>['all']) => [
    String(rows),
    ...[accuracy, f1, weightedF1, youden].map((share) => share.toFixed(4)),
  ];
  return [
    row(`folds by ${figures.by}`, ['rows', 'accuracy', 'macro F1', 'weighted F1', "Youden's J"]),
    ...figures.folds.map((fold, at) => row(`fold ${at + 1}`, scores(fold))),
    row('all', scores(figures.all)),
  ].join('');
}

function describe({ identity, place, metrics, champion }: TrainResult, tookMs: number): string {
  const { accuracy, f1, rows, on, outOfBag } = metrics;
  const serves = champion === identity.version ? 'it serves' : `version ${champion} still serves`;
  const beside = `always predicting the most frequent label: ${majorityAccuracy(metrics).toFixed(4)}`;
  return [
    `${identity.name} version ${identity.version} in ${place}`,
    `accuracy ${accuracy.toFixed(4)}, macro F1 ${f1.toFixed(4)} on ${rows} rows ${scoredOn[on]} (${beside})`,
    ...(outOfBag
      ? [
          `out-of-bag accuracy ${outOfBag.accuracy.toFixed(4)}: ${outOfBag.rows} training rows, each by the trees that did not see it`,
        ]
      : []),
    `trained in ${(tookMs / 1_000).toFixed(1)} s; ${serves}`,
    '',
  ].join('\n');
}

const comparedRates = [0, 0.1, 0.3, 0.5];

/** A way that was tried, the steps it needs, and how right it was. */
interface TriedWay {
  readonly way: Way;
  readonly steps: readonly StepSpec[];
  readonly parts: DatasetParts;
  readonly result: CandidateResult;
}

/** Tries ways to make a model, prints how right each is by gap rate and how to make it; the best one is made where that is demanded. */
async function compareWays(loaded: LoadedConfig, options: TrainCommandOptions): Promise<void> {
  const { training, steps: configured } = loaded.config;
  const raw = await openParts(loaded, options);
  print(['accuracy by share of gaps', ...comparedRates.map((rate) => `${rate * 100} %`), 'fit s', 'µs/row']);
  const tried: TriedWay[] = [];
  const progress = new Progress();
  for (const { steps, ways } of waysBySteps(training, configured)) {
    const parts = await preparedBy(loaded, raw, steps, steps === configured);
    if (!parts) continue;
    const { dataset, test, preparation } = parts;
    const changes = steps === configured ? '' : `${stepsLine(steps)} `;
    await compare({
      dataset,
      ...(test && { test }),
      ...(preparation && { preparation, ...(!raw.preparation && { samples: raw }) }),
      candidates: ways,
      rates: comparedRates,
      seed: training.seed,
      ...(steps !== configured && {
        onUnsuited: (name, reason) => {
          progress.clear();
          complain(`${name} is left out: ${reason}\n`);
        },
      }),
      onProgress: (name, { of, done, all }) => progress.show(name, done / all, `${done}/${all} ${of}`),
      onCompared: (result) => {
        const way = ways.find(({ name }) => name === result.name);
        if (!way) throw new GaplineError('internal', `${result.name} is none of the ways`);
        tried.push({ way, steps, parts, result });
        progress.clear();
        printResult(result, `  ${changes}${setLine(way)}`);
      },
    });
  }
  const best = bestOf(tried);
  printText(`best, on average: ${best.way.name}\n`);
  if (options.promoteBest) await makeBest(loaded, best, options, configured);
}

const print = (cells: readonly string[], end = '') =>
  printText(`${cells.map((cell, column) => (column === 0 ? cell.padEnd(46) : cell.padStart(9))).join('')}${end}\n`);

function printResult({ name, byRate, fitMs, microsecondsPerRow }: CandidateResult, line: string): void {
  const accuracies = byRate.map(({ accuracy }) => accuracy.toFixed(4));
  print([name, ...accuracies, (fitMs / 1_000).toFixed(2), microsecondsPerRow.toFixed(1)], line);
}

/** What other steps make of readings; undefined, and said so, where they cannot be made. */
async function preparedBy(
  loaded: LoadedConfig,
  raw: DatasetParts,
  steps: readonly StepSpec[],
  isConfigured: boolean,
): Promise<DatasetParts | undefined> {
  try {
    return await prepared(loaded, raw, steps);
  } catch (error) {
    if (isConfigured || !(error instanceof GaplineError) || error.code !== 'config-invalid') throw error;
    complain(`estimators of whole series are left out: ${error.message}\n`);
    return undefined;
  }
}

/** The option of the command line that puts these steps in the place of the configured ones, quoted for a shell. */
const stepsSetting = (steps: readonly StepSpec[]): string => `steps=${JSON.stringify(steps)}`;
const stepsLine = (steps: readonly StepSpec[]): string => `--set ${shellWord(stepsSetting(steps))}`;

function bestOf(tried: readonly TriedWay[]): TriedWay {
  const sumOf = ({ result }: TriedWay) => result.byRate.reduce((sum, { accuracy }) => sum + accuracy, 0);
  return tried.reduce((best, each) => (sumOf(each) > sumOf(best) ? each : best));
}

async function makeBest(
  loaded: LoadedConfig,
  { way, steps, parts }: TriedWay,
  options: TrainCommandOptions,
  configured: readonly StepSpec[],
): Promise<void> {
  const sets = Object.entries(way.changes).map(([key, value]) => `training.${key}=${value}`);
  if (steps !== configured) sets.push(stepsSetting(steps));
  const startedMs = performance.now();
  const result = await trainFrom(loadConfig(options.config, [...options.set, ...sets]), parts);
  printText(describe(result, performance.now() - startedMs));
  const by = `train --promote-best: ${way.name}`;
  await promote(openModels(loaded), result.identity.version, { who: operator(), by });
  printText(`version ${result.identity.version} serves\n`);
}
