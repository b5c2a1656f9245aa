import { rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Manifest } from '../../core/model/manifest.ts';
import { challengerAlias, type Registry } from '../../core/model/registry/port.ts';
import { promote, rollback } from '../../core/model/registry/promotion.ts';
import { elementAt } from '../../core/numeric/element.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { type ImportInput, importModel } from '../../training/import.ts';
import { importFolder } from '../../training/kept-draft.ts';
import { trainingOptions } from '../../training/options.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { complain, print as printText } from '../print.ts';
import { draftsOf, openDataset, openModels, operator, versionOf } from '../stream.ts';
import { printImpurity, printPermutation } from './importance.ts';
import { demandBetter, type PromoteOptions, percent, scoreOn } from './judge-versions.ts';
import { prepared } from './train.ts';
import { namesExport } from './training-data.ts';

export interface ModelsOptions {
  readonly config: string;
  readonly set: readonly string[];
}

const print = (line: string): void => void printText(`${line}\n`);

function open({ config, set }: ModelsOptions): { loaded: LoadedConfig; registry: Registry } {
  const loaded = loadConfig(config, set);
  return { loaded, registry: openModels(loaded) };
}

/** How a version fills gaps and predicts, in a few words. */
function describe({ imputer, indicators, estimator, neighbours, lineage: { options } }: Manifest): string {
  const trees = options.boosted === undefined ? estimator.kind : 'boosted trees';
  const copies = Array.isArray(options.copies) ? options.copies.length : 0;
  return [
    imputer.kind,
    ...(indicators ? ['indicators'] : []),
    ...(copies > 0 ? [`${copies} masked copies`] : []),
    `${trees}${neighbours ? ' and neighbours' : ''}`,
  ].join(', ');
}

/** Each change of the version that serves: when, from which to which, who did it and why. */
export async function listHistory(options: ModelsOptions): Promise<void> {
  const { registry } = open(options);
  const history = await registry.history();
  for (const { at, from, to, who, by, seen } of history) {
    const step = `${from === undefined ? 'none' : `version ${from}`} → version ${to}`;
    print([seen ? `seen at ${at}` : at, step, seen ? 'moved without Gapline' : (who ?? ''), by ?? ''].join('\t'));
  }
  const serves = await registry.resolve('champion');
  const last = history.at(-1)?.to;
  if (serves === undefined || serves === last) return;
  const since = last === undefined ? 'nothing is written down of earlier changes' : 'no line saw when';
  print(`now\tversion ${serves} serves; ${since}`);
}

/** One line a version: its aliases, when it was made, what it is, how right it was. */
export async function listModels(options: ModelsOptions): Promise<void> {
  const { registry } = open(options);
  const aliases = [...(await registry.aliases())];
  const serves = await registry.resolve('champion');
  for (const version of await registry.versions()) {
    const names = aliases.filter(([, named]) => named === version).map(([alias]) => alias);
    if (version === serves && !names.includes('champion')) names.push('champion (the highest)');
    print([String(version), ...(await cellsOf(registry, version)), names.join(', ')].join('\t'));
  }
}

/** A version that cannot be used does not hide the others: in MLflow anybody may register anything. */
async function cellsOf(registry: Registry, version: number): Promise<string[]> {
  try {
    const manifest = await registry.manifest(version);
    const { accuracy, f1 } = manifest.metrics;
    return [manifest.created, describe(manifest), `accuracy ${percent(accuracy)}`, `macro F1 ${percent(f1)}`];
  } catch (error) {
    if (!(error instanceof GaplineError) || error.code !== 'model-invalid') throw error;
    return ['cannot be used', describeError(error)];
  }
}

export interface ShowOptions extends ModelsOptions {
  /** How important the fields are, in place of JSON … */
  readonly importance?: boolean;
  /** … measured on the rows of this CSV. */
  readonly on?: string;
  readonly repeats: number;
}

/** What a version is, as JSON; the most important fields first, without histograms and self-test, which are for machines. */
export async function showModel(named: string, options: ShowOptions): Promise<void> {
  const { loaded, registry } = open(options);
  const version = await versionOf(registry, named);
  const { importance, on, repeats } = options;
  if (on !== undefined) return await printPermutation(loaded, registry, version, { on, repeats });
  if (importance) return await printImpurity(registry, version);
  const { histograms, selfTest, ...manifest } = await registry.manifest(version);
  const ranked = manifest.importance
    ?.map((share, at) => [elementAt(manifest.fields, at), share] as const)
    .sort(([, a], [, b]) => b - a);
  print(JSON.stringify({ ...manifest, ...(ranked && { importance: Object.fromEntries(ranked) }) }, null, 2));
}

/**
 * Lets a version serve; with `if`, only where that figure is better than the champion's: on the data to replay or an export, or with
 * `since` on what both labelled in the line.
 */
export async function promoteModel(named: string, options: ModelsOptions & PromoteOptions): Promise<void> {
  checkJudging(options);
  const { loaded, registry } = open(options);
  const version = await versionOf(registry, named);
  const serving = await registry.resolve('champion');
  const figure =
    options.if && serving !== undefined && serving !== version
      ? await demandBetter({ loaded, registry, version, serving, data: options.data }, { ...options, if: options.if })
      : undefined;
  const { from, to } = await promote(registry, version, { who: operator(), by: figure ?? 'promote' });
  print(
    from === to
      ? `version ${to} serves already`
      : `version ${to} serves; ${from === undefined ? 'none' : `version ${from}`} did before`,
  );
}

/**
 * What decides is one thing.
 * @throws {GaplineError} `config-invalid` where an option would be of no effect
 */
function checkJudging({ if: figure, since, data }: PromoteOptions): void {
  const refuse = (detail: string): never => {
    throw new GaplineError('config-invalid', detail);
  };
  if (since !== undefined && figure === undefined) refuse('--since stands with --if: the figure that decides');
  if (!namesExport({ data, from: 'data' })) return;
  if (since !== undefined)
    refuse(`--data ${data} is an export, and --since judges by what the line labelled: leave one of them out`);
  if (figure === undefined) refuse(`--data ${data} is an export to judge on: it stands with --if accuracy or --if f1`);
}

/** Gives the line back to the version that served before. */
export async function rollbackModel(options: ModelsOptions): Promise<void> {
  const { from, to } = await rollback(open(options).registry, operator());
  print(`version ${to} serves again; version ${from} did before`);
}

/** Lets a version label the same readings in the shadow, or, for `none`, no version. */
export async function challengeModel(named: string, options: ModelsOptions): Promise<void> {
  const { registry } = open(options);
  if (named === 'none') {
    await registry.forget(challengerAlias);
    return print('nothing labels in the shadow');
  }
  const version = await versionOf(registry, named);
  await registry.point(challengerAlias, version);
  print(`version ${version} labels in the shadow`);
}

const comparedRates = [0, 0.1, 0.3, 0.5];

/** How right versions are on the data to replay or on an export, by the share of values that are missing. */
export async function compareModels(
  named: readonly string[],
  options: ModelsOptions & { readonly data: string },
): Promise<void> {
  const { loaded, registry } = open(options);
  const versions =
    named.length > 0 ? await Promise.all(named.map((name) => versionOf(registry, name))) : await registry.versions();
  const row = (cells: readonly string[]) =>
    print(cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(9))).join(''));
  row(['accuracy by share of gaps', ...comparedRates.map((rate) => `${rate * 100} %`)]);
  for (const version of versions) {
    const scores = await scoreOn({ loaded, registry, data: options.data }, version, comparedRates);
    const name = `${version} (${describe(await registry.manifest(version))})`;
    row([name, ...scores.map(({ accuracy }) => accuracy.toFixed(4))]);
  }
}

export interface ImportOptions extends ModelsOptions {
  readonly train?: string;
  readonly impute?: string;
  readonly serverModel?: string;
  readonly protocol?: 'v2' | 'mlflow';
  /** Rows a request. */
  readonly batch?: number;
  /** Milliseconds. */
  readonly timeout?: number;
  /** `0=False,1=True`, or names in order. */
  readonly classes: readonly string[];
}

/**
 * What `--classes` says: names of the file's classes in the data, or all of them in order.
 * @throws {GaplineError} `config-invalid` where it is a mixture of both
 */
function readClasses(given: readonly string[]): Pick<ImportInput, 'classes' | 'classNames'> {
  const parts = given.flatMap((each) => each.split(','));
  if (parts.length === 0) return {};
  const pairs = parts.filter((part) => part.includes('='));
  if (pairs.length === 0) return { classes: parts };
  if (pairs.length < parts.length)
    throw new GaplineError(
      'config-invalid',
      `--classes ${given.join(',')}: expected OWN=DATA for each, or names alone`,
    );
  const split = (pair: string) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const;
  return { classNames: new Map(pairs.map(split)) };
}

const isModelFolder = (source: string): Promise<boolean> =>
  stat(source).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

const isDraft = (folder: string, loaded: LoadedConfig): boolean => dirname(folder) === draftsOf(loaded)?.folder;

/** Registers a draft that a training kept, or a version of another registry. A draft is removed once it is registered. */
async function importKept(source: string, loaded: LoadedConfig): Promise<void> {
  const folder = resolve(source);
  const { identity, place, champion, found } = await importFolder(folder, openModels(loaded));
  const { name, version } = identity;
  print(
    `${name} version ${version} in ${place}${found ? ': it was registered before' : ''}; version ${champion} serves`,
  );
  if (isDraft(folder, loaded)) await rm(folder, { recursive: true, force: true });
}

/** Takes in a model that was made elsewhere; the data set gives what such a file lacks. */
export async function importFrom(source: string, options: ImportOptions): Promise<void> {
  const imputer = options.impute === undefined ? [] : [`training.imputer=${options.impute}`];
  const from = options.train === undefined ? [] : [`data.train=${resolve(options.train)}`];
  const loaded = loadConfig(options.config, [...options.set, ...from, ...imputer]);
  if (await isModelFolder(source)) return await importKept(source, loaded);
  if (isDraft(resolve(source), loaded))
    throw new GaplineError('model-missing', `${source}: there is no such draft; one that was registered is removed`);
  const { training } = loaded.config;
  const spec = trainingOptions(training);
  const { serverModel, protocol, batch, timeout } = options;
  const server = {
    ...(protocol && { protocol }),
    ...(serverModel && { model: serverModel }),
    ...(batch !== undefined && { batch }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
  };
  const { dataset, preparation } = await prepared(loaded, { dataset: await openDataset(loaded, 'train') });
  const { identity, place, metrics, champion, warnings } = await importModel({
    source,
    dataset,
    preparation,
    imputer: spec.imputer,
    voting: spec.voting,
    seed: spec.seed,
    server,
    ...readClasses(options.classes),
    registry: openModels(loaded),
  });
  for (const warning of warnings) complain(`warning: ${warning}\n`);
  print(`${identity.name} version ${identity.version} in ${place}`);
  print(
    `accuracy ${metrics.accuracy.toFixed(4)} on the ${metrics.rows} rows that it was imported with; version ${champion} serves`,
  );
}
