import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dataset } from '../core/dataset/dataset.ts';
import { explainFileError } from '../core/files/fault.ts';
import { readWhole } from '../core/files/whole.ts';
import type { Draft } from '../core/model/artifact.ts';
import { packJson } from '../core/model/artifact.ts';
import { readLibraryForest } from '../core/model/forest/library-json.ts';
import { importOnnxForest } from '../core/model/forest/onnx-import.ts';
import { fitImputer } from '../core/model/impute/fitted.ts';
import { httpEstimatorSchema } from '../core/model/kinds/http-schema.ts';
import type { OnnxRuntime } from '../core/model/kinds/onnx.ts';
import { type OnnxEstimator, onnxEstimatorSchema } from '../core/model/kinds/onnx-schema.ts';
import { logisticKind, parseLogistic } from '../core/model/linear/logistic.ts';
import type { Manifest } from '../core/model/manifest.ts';
import { openArtifact } from '../core/model/open.ts';
import type { Registry } from '../core/model/registry/port.ts';
import { stepsSchema } from '../core/steps/registry.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import { shellWord } from '../core/wire/shell-word.ts';
import { validate } from '../core/wire/validate.ts';
import { describeModel, type Published, publishDraft } from './draft.ts';
import type { TrainingOptions } from './options.ts';
import type { Preparation } from './prepare.ts';
import { labelledRows } from './rows.ts';
import { Scoring } from './scoring.ts';

export interface ImportInput {
  /**
   * A file: `ml-random-forest`'s `toJSON()` or a logistic model, gzipped or not, or ONNX. Or the address of a model server. ONNX tree ensembles are taken
   * into the compiled form; what else is in an ONNX file runs on onnxruntime-node.
   */
  readonly source: string;
  /** What the file lacks: the fields, in the order of the model's columns; what fills gaps; the range of the values. */
  readonly dataset: Dataset;
  /** The steps that made the rows of the data set, if steps did. */
  readonly preparation?: Preparation | undefined;
  readonly imputer: TrainingOptions['imputer'];
  readonly voting: TrainingOptions['voting'];
  /** Of the masks that it is scored with. */
  readonly seed: TrainingOptions['seed'];
  /** The labels in the order of the model's classes. Default: those of the file, else the data's, whole numbers by size. */
  readonly classes?: readonly string[];
  /** The data's names of the file's classes, where they differ: `0` may be `False` there. */
  readonly classNames?: ReadonlyMap<string, string>;
  /** Of a model server. */
  readonly server?: {
    /** Rows a request, at most. */
    readonly batch?: number;
    readonly timeoutMs?: number;
    readonly protocol?: 'v2' | 'mlflow';
    readonly model?: string;
    readonly input?: string;
    readonly output?: string;
  };
  /** Of an ONNX file that is no tree ensemble. */
  readonly onnx?: { readonly output?: string; readonly scores?: OnnxEstimator['scores'] };
  /** Where the version is made. */
  readonly registry: Registry;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
  /** Default: the package onnxruntime-node. */
  readonly onnxRuntime?: () => Promise<OnnxRuntime>;
}

/**
 * Makes a version of a model that was trained elsewhere: with an imputer fitted here, scored on the data set that is given.
 * @throws {GaplineError} `model-invalid` where the model cannot be read or does not fit the data set.
 */
export async function importModel(input: ImportInput): Promise<Imported> {
  const found = await readSource(input);
  try {
    return { ...(await publishFound(input, found)), warnings: warningsOf(input, found) };
  } catch (error) {
    throw inTermsOfImport(input.source, found, error);
  }
}

/** The steps as the manifest states them. */
function stepPartsOf(preparation: Preparation | undefined): Pick<Manifest, 'channels' | 'steps'> {
  if (!preparation) return {};
  return { channels: [...preparation.channels], steps: stepsSchema.parse(preparation.steps) };
}

/** A version that was imported. */
export interface Imported extends Published {
  /** What a person should know of the file, a sentence each. */
  readonly warnings: readonly string[];
}

/** Whatever goes wrong with a foreign model is told as a fault of that model. */
function inTermsOfImport(source: string, { uncompiled }: Found, error: unknown): GaplineError {
  const known = error instanceof GaplineError ? error : explainFileError(error);
  if (known && (known.code !== 'model-invalid' || uncompiled === undefined)) return known;
  const why = uncompiled === undefined ? '' : `; Gapline cannot compile it: ${uncompiled}`;
  return new GaplineError('model-invalid', `${known ? '' : `${source}: `}${describeError(error)}${why}`, {
    cause: error,
    retryable: false,
  });
}

function warningsOf({ source, imputer }: ImportInput, { gaps }: Found): string[] {
  if (imputer.kind !== 'passthrough' || gaps !== 'to the right') return [];
  const detail =
    'no node of its trees says where a gap goes, so every gap goes where a false comparison goes, as in ONNX Runtime';
  return [
    `${source}: ${detail}; the training library may have sent gaps the other way (converters of scikit-learn leave that out), and probabilities with gaps may differ by a lot. Compare them, or let Gapline fill gaps: --impute mean`,
  ];
}

async function publishFound(input: ImportInput, found: Found): Promise<Published> {
  const { dataset, registry } = input;
  const named = found.classes?.map((own) => input.classNames?.get(own) ?? own);
  const classes = input.classes ?? named ?? orderClasses(dataset.classes);
  checkNames(input, found.classes);
  checkClasses(input.source, classes, dataset, found.classes);
  const rows = labelledRows(dataset, classes);
  const parts = {
    fields: [...dataset.fields],
    ...stepPartsOf(input.preparation),
    classes: [...classes],
    imputer: input.imputer.kind === 'passthrough' ? input.imputer : fitImputer(rows, input.imputer),
    estimator: found.estimator,
  };
  const runtime = input.onnxRuntime && { onnxRuntime: input.onnxRuntime };
  const ownSteps = input.preparation?.ownSteps;
  const model = await openArtifact({ parts, files: found.files, ...runtime, ...(ownSteps && { ownSteps }) });
  try {
    const scoring = new Scoring({ classes: classes.length, seed: input.seed });
    checkLabelled(await scoring.add(model, rows), input);
    const draft = await describeModel({
      model,
      parts,
      files: found.files,
      dataset,
      rows,
      metrics: { on: 'import', ...scoring.figures() },
      seed: 0,
      options: { imported: basename(input.source), imputer: input.imputer, voting: input.voting },
      ...(input.now && { now: input.now }),
    });
    return await publishDraft(draft, registry);
  } finally {
    await model.close();
  }
}

/** A model from elsewhere, as it will stand in the artifact. */
interface Found {
  readonly estimator: Manifest['estimator'];
  readonly files: Draft['files'];
  /** Where the file names its classes. */
  readonly classes?: readonly string[];
  /** Why an ONNX file runs on ONNX Runtime. */
  readonly uncompiled?: string;
  /** Of trees: what they do to a gap. */
  readonly gaps?: 'as learnt' | 'filled' | 'to the right';
}

async function readSource(input: ImportInput): Promise<Found> {
  const { source, server, voting } = input;
  if (/^https?:/.test(source)) {
    const parsed = validate(httpEstimatorSchema, { kind: 'http', url: source, ...server });
    if (!parsed.success) throw new GaplineError('model-invalid', `${source} is no address of a model server`);
    return { estimator: parsed.data, files: new Map() };
  }
  const bytes = await readBytes(source);
  // A JSON object, and gzip's magic number; everything else is taken for ONNX.
  if (bytes[0] === 0x7b || (bytes[0] === 0x1f && bytes[1] === 0x8b)) return readJson(source, bytes, voting);
  return readOnnx(input, bytes);
}

/** Of a file to import. */
const mostFileBytes = 2_000_000_000;

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readWhole(file, mostFileBytes);
  } catch (error) {
    throw new GaplineError('model-invalid', `${file} cannot be read: ${describeError(error)}`, { cause: error });
  }
}

async function readJson(source: string, bytes: Uint8Array, voting: TrainingOptions['voting']): Promise<Found> {
  try {
    const text = bytes[0] === 0x7b ? bytes : await promisify(gunzip)(bytes, { maxOutputLength: 512 * 1024 * 1024 });
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    return isLogistic(json) ? await foundLogistic(json) : await foundForest(json, voting);
  } catch (error) {
    throw new GaplineError('model-invalid', `${source}: ${describeError(error)}`, { cause: error });
  }
}

const isLogistic = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && 'kind' in json && json.kind === logisticKind;

async function foundLogistic(json: unknown): Promise<Found> {
  const { classes } = parseLogistic(json);
  const file = 'logistic.json.gz';
  return { estimator: { kind: logisticKind, file }, files: new Map([[file, await packJson(json)]]), classes };
}

async function foundForest(json: unknown, voting: TrainingOptions['voting']): Promise<Found> {
  readLibraryForest(json);
  const file = 'forest.json.gz';
  return {
    estimator: { kind: 'forest', file, engine: 'gapline', voting },
    files: new Map([[file, await packJson(json)]]),
  };
}

function readOnnx({ source, dataset, voting, onnx }: ImportInput, bytes: Uint8Array): Found {
  try {
    const { classes, forest, fillsGaps, routesGaps } = importOnnxForest(bytes, { width: dataset.width });
    if (forest.task === 'regression')
      throw new GaplineError(
        'model-invalid',
        'it predicts a number, not a class; Gapline predicts classes: train and convert a classifier',
      );
    const file = 'forest.onnx';
    return {
      estimator: { kind: 'forest', file, engine: 'gapline', voting },
      files: new Map([[file, bytes]]),
      ...(classes && { classes }),
      gaps: fillsGaps ? 'filled' : routesGaps ? 'as learnt' : 'to the right',
    };
  } catch (error) {
    const { message } = error as Error;
    // What is no ONNX at all, or a forest that does not fit, no runtime will make better.
    if (!/no tree ensemble|more than one tree ensemble/.test(message))
      throw new GaplineError('model-invalid', `${source}: ${message}`, { cause: error });
    return {
      estimator: onnxEstimatorSchema.parse({ kind: 'onnx', file: 'model.onnx', ...onnx }),
      files: new Map([['model.onnx', bytes]]),
      uncompiled: message.replace(/^The ONNX file cannot be used: /, '').replace(/\.$/, ''),
    };
  }
}

/** Whole numbers by size, so that class 10 comes after class 9; everything else as it is sorted. */
function orderClasses(classes: readonly string[]): readonly string[] {
  return classes.every((name) => /^-?\d+$/.test(name)) ? [...classes].sort((a, b) => Number(a) - Number(b)) : classes;
}

function checkClasses(
  source: string,
  classes: readonly string[],
  dataset: Dataset,
  own: readonly string[] | undefined,
): void {
  const strange = dataset.classes.filter((name) => !classes.includes(name));
  if (strange.length === 0) return;
  const known = classes.slice(0, 10).join(', ');
  const detail = `${source} knows the classes ${known}; ${dataset.file} has ${strange.slice(0, 5).join(', ')} too`;
  throw new GaplineError('model-invalid', `${detail}${adviceOnNames(own, dataset)}`);
}

/** The option that would map the file's names to the data's, where both are as many. */
function adviceOnNames(own: readonly string[] | undefined, { classes }: Dataset): string {
  if (own === undefined || own.length !== classes.length) return '';
  const pairs = orderClasses(own).map((name, at) => `${name}=${orderClasses(classes)[at]}`);
  return `. If they are the same under other names, map them: --classes ${shellWord(pairs.join(','))}`;
}

function checkNames({ source, classNames, classes }: ImportInput, own: readonly string[] | undefined): void {
  const names = [...(classNames?.keys() ?? [])];
  const strange = names.find((name) => !own?.includes(name));
  if (strange !== undefined) {
    const known = own === undefined ? 'no classes' : own.slice(0, 10).join(', ');
    throw new GaplineError('model-invalid', `--classes ${strange}=…: ${source} names ${known}`);
  }
  const mapped = own?.map((name) => classNames?.get(name) ?? name) ?? [];
  if (new Set(mapped).size < mapped.length)
    throw new GaplineError('model-invalid', `--classes gives two classes one name: ${mapped.join(', ')}`);
  if (classes && own && classes.length !== own.length)
    throw new GaplineError('model-invalid', `--classes names ${classes.length}; ${source} has ${own.length} classes`);
}

/** A class that is no number's: not a version that may decline, but a model that could not compute it. */
function checkLabelled(labels: Int32Array, { source, imputer }: ImportInput): void {
  const without = labels.reduce((count, label) => count + (label < 0 ? 1 : 0), 0);
  if (without === 0) return;
  const advice = imputer.kind === 'passthrough' ? '; if these have gaps, let Gapline fill them: --impute mean' : '';
  throw new GaplineError('model-invalid', `${source} gives no number for ${without} of ${labels.length} rows${advice}`);
}
