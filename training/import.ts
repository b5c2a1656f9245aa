import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Dataset } from '../core/dataset/dataset.ts';
import { readWhole } from '../core/files/whole.ts';
import type { Draft } from '../core/model/artifact.ts';
import { packJson } from '../core/model/artifact.ts';
import { readLibraryForest } from '../core/model/forest/library-json.ts';
import { importOnnxForest } from '../core/model/forest/onnx-import.ts';
import { fitImputer } from '../core/model/impute/fitted.ts';
import { httpEstimatorSchema } from '../core/model/kinds/http-schema.ts';
import type { OnnxRuntime } from '../core/model/kinds/onnx.ts';
import { type OnnxEstimator, onnxEstimatorSchema } from '../core/model/kinds/onnx-schema.ts';
import type { Manifest } from '../core/model/manifest.ts';
import { openArtifact } from '../core/model/open.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import { describeModel, type Published, publishDraft } from './draft.ts';
import { score } from './metrics.ts';
import type { TrainingOptions } from './options.ts';
import { labelledRows, labelRows } from './rows.ts';

export interface ImportInput {
  /**
   * A file: `ml-random-forest`'s `toJSON()`, gzipped or not, or ONNX. Or the address of a model server. ONNX tree ensembles are taken
   * into the compiled form; what else is in an ONNX file runs on onnxruntime-node.
   */
  readonly source: string;
  /** What the file lacks: the fields, in the order of the model's columns; what fills gaps; the range of the values. */
  readonly dataset: Dataset;
  readonly imputer: TrainingOptions['imputer'];
  readonly voting: TrainingOptions['voting'];
  /** The labels in the order of the model's classes. Default: those of the file, else the data's, whole numbers by size. */
  readonly classes?: readonly string[];
  /** Of a model server. */
  readonly server?: {
    readonly protocol?: 'v2' | 'mlflow';
    readonly model?: string;
    readonly input?: string;
    readonly output?: string;
  };
  /** Of an ONNX file that is no tree ensemble. */
  readonly onnx?: { readonly output?: string; readonly scores?: OnnxEstimator['scores'] };
  readonly registryFolder: string;
  readonly name: string;
  /** Default: the machine's clock. */
  readonly now?: () => Date;
  /** Default: the package onnxruntime-node. */
  readonly onnxRuntime?: () => Promise<OnnxRuntime>;
}

/**
 * Makes a version of a model that was trained elsewhere: with an imputer fitted here, scored on the data set that is given.
 * @throws {GaplineError} `model-invalid` where the model cannot be read or does not fit the data set.
 */
export async function importModel(input: ImportInput): Promise<Published> {
  const { dataset, registryFolder, name } = input;
  const found = await readSource(input);
  const classes = input.classes ?? found.classes ?? orderClasses(dataset.classes);
  checkClasses(input.source, classes, dataset);
  const rows = labelledRows(dataset, classes);
  const parts = {
    fields: [...dataset.fields],
    classes: [...classes],
    imputer: input.imputer.kind === 'passthrough' ? input.imputer : fitImputer(rows, input.imputer),
    estimator: found.estimator,
  };
  const runtime = input.onnxRuntime && { onnxRuntime: input.onnxRuntime };
  const model = await openArtifact({ parts, files: found.files, ...runtime });
  try {
    const scores = score(rows.labels, await labelRows(model.open(), rows), classes.length);
    const draft = await describeModel({
      model,
      parts,
      files: found.files,
      dataset,
      rows,
      metrics: { on: 'import', ...scores },
      seed: 0,
      options: { imported: basename(input.source), imputer: input.imputer, voting: input.voting },
      ...(input.now && { now: input.now }),
    });
    return await publishDraft(draft, { registryFolder, name });
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
}

async function readSource(input: ImportInput): Promise<Found> {
  const { source, server, voting } = input;
  if (/^https?:/.test(source)) {
    const parsed = httpEstimatorSchema.safeParse({ kind: 'http', url: source, ...server });
    if (!parsed.success) throw new GaplineError('model-invalid', `${source} is no address of a model server`);
    return { estimator: parsed.data, files: new Map() };
  }
  const bytes = await readBytes(source);
  // A JSON object, and gzip's magic number; everything else is taken for ONNX.
  if (bytes[0] === 0x7b || (bytes[0] === 0x1f && bytes[1] === 0x8b)) return readJsonForest(source, bytes, voting);
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

async function readJsonForest(source: string, bytes: Uint8Array, voting: TrainingOptions['voting']): Promise<Found> {
  let json: unknown;
  try {
    const text = bytes[0] === 0x7b ? bytes : await promisify(gunzip)(bytes, { maxOutputLength: 512 * 1024 * 1024 });
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    readLibraryForest(json);
  } catch (error) {
    throw new GaplineError('model-invalid', `${source}: ${describeError(error)}`, { cause: error });
  }
  const file = 'forest.json.gz';
  return {
    estimator: { kind: 'forest', file, engine: 'gapline', voting },
    files: new Map([[file, await packJson(json)]]),
  };
}

function readOnnx({ source, dataset, voting, onnx }: ImportInput, bytes: Uint8Array): Found {
  try {
    const { classes } = importOnnxForest(bytes, { width: dataset.width });
    const file = 'forest.onnx';
    return {
      estimator: { kind: 'forest', file, engine: 'gapline', voting },
      files: new Map([[file, bytes]]),
      ...(classes && { classes }),
    };
  } catch (error) {
    const { message } = error as Error;
    // What is no ONNX at all, or a forest that does not fit, no runtime will make better.
    if (!/no tree ensemble|more than one tree ensemble/.test(message))
      throw new GaplineError('model-invalid', `${source}: ${message}`, { cause: error });
    return {
      estimator: onnxEstimatorSchema.parse({ kind: 'onnx', file: 'model.onnx', ...onnx }),
      files: new Map([['model.onnx', bytes]]),
    };
  }
}

/** Whole numbers by size, so that class 10 comes after class 9; everything else as it is sorted. */
function orderClasses(classes: readonly string[]): readonly string[] {
  return classes.every((name) => /^-?\d+$/.test(name)) ? [...classes].sort((a, b) => Number(a) - Number(b)) : classes;
}

function checkClasses(source: string, classes: readonly string[], dataset: Dataset): void {
  const strange = dataset.classes.filter((name) => !classes.includes(name));
  if (strange.length === 0) return;
  const known = classes.slice(0, 10).join(', ');
  const detail = `${source} knows the classes ${known}; ${dataset.file} has ${strange.slice(0, 5).join(', ')} too`;
  throw new GaplineError('model-invalid', detail);
}
