import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Dataset } from '../core/dataset/dataset.ts';
import { readDataset } from '../core/dataset/read.ts';
import type { Manifest } from '../core/model/manifest.ts';
import type { CacheOptions } from '../core/model/registry/cache.ts';
import { openRegistry, type RegistryOptions } from '../core/model/registry/folder.ts';
import { openMlflow } from '../core/model/registry/mlflow.ts';
import type { Registry } from '../core/model/registry/port.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { alertTopicsOf } from '../core/wire/alert.ts';
import { parseDuration } from '../core/wire/duration.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { FactKinds } from '../core/wire/fact.ts';
import { shellWord } from '../core/wire/shell-word.ts';
import { type Segments, type Stream, topicsOf } from '../core/wire/stream.ts';
import type { KeptDrafts } from '../training/kept-draft.ts';
import type { LoadedConfig } from './config/load.ts';
import { readFactsFile } from './facts-file.ts';
import { readInKeys } from './in-keys.ts';
import { mlflowSecrets } from './open.ts';
import { complain } from './print.ts';

/** The registry of the stream's model; it gives the version that the configured alias names, or what is to serve in place of it. */
export function openModels(
  { config, folder }: LoadedConfig,
  choose?: NonNullable<RegistryOptions['choose']>,
): Registry {
  const { registry, url, experiment, alias, name = config.stream } = config.model;
  const serving = { name, alias, stepsFolder: folder, ...(choose && { choose }) };
  if (registry === 'mlflow' && url !== undefined)
    return openMlflow({
      ...{ ...serving, url, cache: cacheOf(config.model, { folder, url, name }) },
      onCached: sayOnce,
      ...mlflowSecrets(),
      ...(experiment !== undefined && { experiment }),
    });
  return openRegistry({ ...serving, folder: resolve(folder, config.model.folder) });
}

/** What a start opens several times is said once. */
const said = new Set<string>();
function sayOnce(detail: string): void {
  if (!said.has(detail)) complain(`${detail}\n`);
  said.add(detail);
}

/** Where versions of one model of one MLflow are kept. */
function cacheOf(
  { folder: models, cacheVersions, cacheMegabytes }: LoadedConfig['config']['model'],
  { folder, url, name }: { folder: string; url: string; name: string },
): CacheOptions | undefined {
  if (cacheVersions === 0) return undefined;
  const place = createHash('sha256')
    .update(JSON.stringify([url, name]))
    .digest('hex')
    .slice(0, 16);
  return {
    folder: resolve(folder, models, '.mlflow', place),
    mostVersions: cacheVersions,
    mostBytes: cacheMegabytes * 1_000_000,
  };
}

/** Where what was trained is kept until MLflow has it; undefined with a folder, which is there when the disk is. */
export function draftsOf({ config, folder, file, overrides }: LoadedConfig): KeptDrafts | undefined {
  const { registry, name = config.stream, folder: models } = config.model;
  if (registry !== 'mlflow') return undefined;
  const sets = overrides.flatMap((each) => ['--set', shellWord(each)]);
  return {
    folder: resolve(folder, models, '.drafts', name),
    command: (draft) => ['gapline models import', shellWord(draft), '--config', shellWord(file), ...sets].join(' '),
  };
}

/** Who promotes, for the history: the user of MLflow, else of this machine. */
export const operator = (): string => mlflowSecrets().username ?? userInfo().username;

/**
 * The version that a person named: by its number or by an alias.
 * @throws {GaplineError} `model-missing`
 */
export async function versionOf(registry: Registry, named: string): Promise<number> {
  const version = await registry.resolve(named);
  if (version !== undefined && (await registry.versions()).includes(version)) return version;
  throw new GaplineError('model-missing', `there is no version ${named}; \`gapline models list\` shows all`);
}

/** How the HTTP endpoint for devices is configured. It refuses what the steps would skip as ahead of its arrival. */
export function collectorOptions({ config: { collector, steps } }: LoadedConfig) {
  const { deviceTag, measurement, maxAheadSeconds } = collector;
  const bounds = steps.flatMap((step) =>
    'maxAhead' in step && typeof step.maxAhead === 'string' ? (parseDuration(step.maxAhead) ?? []) : [],
  );
  return {
    labelsReadings: !steps.some(({ use }) => use === 'window' || use === 'pivot'),
    deviceTag,
    maxAheadMs: Math.min(maxAheadSeconds * 1_000, ...bounds.map((ns) => Math.floor(ns / 1e6))),
    ...(measurement !== undefined && { measurement }),
  };
}

/**
 * Reads the data set that the configuration names for a purpose.
 * @param fields - the columns to take, in this order; default: those that the configuration names, or every numeric one
 * @throws {GaplineError} `config-invalid` where it names none, `data-invalid` where the file cannot be used.
 */
export async function openDataset(
  loaded: LoadedConfig,
  purpose: 'train' | 'replay',
  fields?: readonly string[],
): Promise<Dataset> {
  const { train, replay, facts: _, fields: named, parameter, value, ...options } = loaded.config.data;
  const file = purpose === 'train' ? train : (replay ?? train);
  if (file === undefined) {
    throw new GaplineError(
      'config-invalid',
      `${loaded.file}: data.${purpose} is missing; it names the table to ${purpose}`,
    );
  }
  const chosen = fields ?? named;
  const reading = readDataset({
    ...options,
    ...(parameter !== undefined && value !== undefined && { long: { parameter, value } }),
    file: [file].flat().map((each) => resolve(loaded.folder, each)),
    ...(chosen && { fields: chosen }),
  });
  const dataset = await readInKeys(reading);
  return withFacts(loaded, dataset);
}

/** A data set with what is known of its devices, where the configuration names a file that tells it. */
export function withFacts(loaded: LoadedConfig, dataset: Dataset): Dataset {
  const { facts } = loaded.config.data;
  const kinds = factKindsOf(loaded);
  if (facts === undefined || !kinds) return dataset;
  return { ...dataset, facts: readFactsFile(resolve(loaded.folder, facts), loaded.config.stream, kinds) };
}

/**
 * What every stage knows of the stream. Its values are those of the model that serves; without a model, those of the data set.
 * @throws {GaplineError} `model-missing` where neither says what the values are.
 */
export async function resolveStream(loaded: LoadedConfig): Promise<Stream> {
  const { stream, topics, alerts } = loaded.config;
  const facts = factKindsOf(loaded);
  const manifest = await servedManifest(loaded);
  const fields = manifest ? (manifest.channels ?? manifest.fields) : await fieldsOf(loaded);
  const segments = segmentsOf(manifest?.steps ?? loaded.config.steps, fields, manifest?.series);
  return {
    name: stream,
    fields,
    topics: topicsOf(stream, topics),
    ...(facts && { facts }),
    ...(segments && { segments }),
    ...((alerts.rules.length > 0 || alerts.promotions) && { alerts: alertTopicsOf(stream) }),
  };
}

/** The kinds of facts that the stream takes, with the names of their values. */
function factKindsOf({ config: { facts } }: LoadedConfig): FactKinds | undefined {
  if (!facts) return undefined;
  return Object.fromEntries(Object.entries(facts).map(([kind, { values }]) => [kind, values]));
}

async function servedManifest(loaded: LoadedConfig): Promise<Manifest | undefined> {
  const models = openModels(loaded);
  const version = await models.serving();
  return version === undefined ? undefined : models.manifest(version);
}

/**
 * Whether readings are whole segments. How fast they were sampled is known of a step along the row: of the version that serves, or, where
 * it has none (an import that takes samples as they were measured), of the configuration. To a model that is none of series a row is
 * columns; such a step knows them as samples of one wave.
 */
function segmentsOf(
  steps: readonly StepSpec[],
  { length }: readonly string[],
  series: Manifest['series'] = { channels: ['sample'], length },
): Segments | undefined {
  if (steps.some(({ use }) => use === 'window')) return undefined;
  const [rate] = steps.flatMap((step) => ('along' in step && step.along === 'row' && step.rate) || []);
  return typeof rate === 'number' ? { ...series, rate } : undefined;
}

/** Of a stream without a model. */
async function fieldsOf(loaded: LoadedConfig): Promise<readonly string[]> {
  const { data } = loaded.config;
  if (data.fields) return data.fields;
  if (data.train !== undefined || data.replay !== undefined) {
    return (await openDataset(loaded, data.train === undefined ? 'replay' : 'train')).fields;
  }
  throw new GaplineError(
    'model-missing',
    `${loaded.file}: no model of this name and no data set that says what the values are`,
  );
}
