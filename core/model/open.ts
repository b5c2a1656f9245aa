import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { OwnSteps } from '../steps/chain.ts';
import { isOwnStep, loadOwnSteps } from '../steps/load.ts';
import { describeError, GaplineError, isRetryable } from '../wire/errors.ts';
import { type Artifact, type ArtifactSource, invalidModel, readArtifact } from './artifact.ts';
import { assembleModel } from './assemble.ts';
import { openImputer } from './impute/fitted.ts';
import { type Imputer, memoryless } from './impute/imputer.ts';
import type { EstimatorContext } from './kinds/estimator-kind.ts';
import type { OnnxRuntime } from './kinds/onnx.ts';
import { openEstimator } from './kinds/open-estimator.ts';
import type { Manifest } from './manifest.ts';
import type { Model, ModelIdentity } from './model.ts';
import { Neighbours } from './neighbours/neighbours.ts';
import { readNeighbours } from './neighbours/neighbours-json.ts';
import { runSelfTest } from './self-test.ts';
import { openSteps } from './steps.ts';

/** No file of a model may be larger once unpacked; a gzip bomb ends here. */
const maxFileBytes = 512 * 1024 * 1024;

/**
 * Loads a model version, runs its self-test and warms it up.
 * @param expected - name and version that the registry has it under
 * @param stepsFolder - what the paths of steps of one's own are relative to: the folder of `stream.yaml`
 * @throws {GaplineError} `model-invalid` with the reason on one line; `model-unavailable` where its server does not respond.
 */
export async function loadModel(
  from: string | ArtifactSource,
  expected?: ModelIdentity,
  stepsFolder?: string,
): Promise<Model> {
  const artifact = await readArtifact(from);
  const folder = typeof from === 'string' ? from : from.place;
  const { name, version } = artifact.manifest;
  if (expected && (name !== expected.name || version !== expected.version)) {
    const detail = `its manifest names ${name} version ${version}; import it instead of copying it`;
    throw invalidModel(folder, detail);
  }
  const { manifest: parts, files } = artifact;
  const own = ownStepsOf(parts, stepsFolder);
  const open = async () => openArtifact({ parts, files, identity: { name, version }, ownSteps: await own });
  const model = await open().catch((error: unknown) => {
    throw invalidModel(folder, describeError(error), error);
  });
  try {
    await runSelfTest(model, artifact.manifest.selfTest);
    return model;
  } catch (error) {
    await model.close();
    // A model server that is unavailable is no reason to refuse the model.
    if (isRetryable(error)) throw error;
    throw invalidModel(folder, describeError(error), error);
  }
}

async function ownStepsOf({ steps = [] }: Pick<Manifest, 'steps'>, folder: string | undefined): Promise<OwnSteps> {
  const own = steps.filter(({ use }) => isOwnStep(use));
  if (own.length > 0 && folder === undefined)
    throw new GaplineError('model-invalid', `it has steps of its own (${own[0]?.use}), which only its stream can load`);
  return folder === undefined ? new Map() : await loadOwnSteps(own, folder);
}

/** What it takes to predict: a manifest need not be whole for that. */
export interface LoadableParts {
  readonly parts: Pick<
    Manifest,
    'fields' | 'classes' | 'imputer' | 'indicators' | 'maxGaps' | 'estimator' | 'neighbours'
  > &
    Partial<Pick<Manifest, 'histograms' | 'channels' | 'steps' | 'series'>>;
  /** What the parts name, packed or … */
  readonly files?: Artifact['files'];
  /** … as it was before. */
  readonly unpacked?: ReadonlyMap<string, unknown>;
  /** Default: a name of its own, version 1. */
  readonly identity?: ModelIdentity;
  /** Default: the package onnxruntime-node. */
  readonly onnxRuntime?: () => Promise<OnnxRuntime>;
  /** Steps that are not Gapline's, loaded. */
  readonly ownSteps?: OwnSteps;
}

/** Opens an artifact for prediction, without its self-test. */
export async function openArtifact(loadable: LoadableParts): Promise<Model> {
  const { parts, identity } = loadable;
  const { fields, series, classes, imputer, indicators, maxGaps, histograms } = parts;
  const steps = openSteps(parts, loadable.ownSteps);
  return assembleModel({
    identity: identity ?? { name: 'unpublished', version: 1 },
    ...(steps && { steps }),
    fields,
    ...(series && { series }),
    classes,
    imputer: imputer.kind === 'passthrough' ? passthrough : openImputer(imputer),
    ...(indicators && { indicators }),
    ...(maxGaps !== undefined && { maxGaps }),
    ...(histograms && { histograms }),
    estimator: await openEstimator(parts.estimator, contextOf(loadable)),
    ...(parts.neighbours && { neighbours: await openNeighbours(loadable, parts.neighbours) }),
  });
}

function contextOf(loadable: LoadableParts): EstimatorContext {
  const { parts, files, onnxRuntime } = loadable;
  const { fields, classes, indicators } = parts;
  return {
    columns: indicators ? [...fields, ...fields.map((name) => `${name} missing`)] : fields,
    classes,
    bytes: (file) => fileOf(files, file),
    json: (file) => jsonOf(loadable, file),
    ...(onnxRuntime && { onnxRuntime }),
  };
}

async function openNeighbours(loadable: LoadableParts, { file, share }: NonNullable<Manifest['neighbours']>) {
  const { fields, classes } = loadable.parts;
  const shape = { width: fields.length, classes: classes.length };
  return { share, references: new Neighbours(readNeighbours(await jsonOf(loadable, file), shape)) };
}

/** A file of JSON that was gzipped. */
async function jsonOf({ files, unpacked }: LoadableParts, name: string): Promise<unknown> {
  return unpacked?.get(name) ?? unpackJson(name, fileOf(files, name));
}

/** Leaves gaps as they are, for an estimator that takes them itself. */
const passthrough: Imputer = {
  memoryMs: 0,
  draws: 0,
  open: () => memoryless((rows, into) => into.set(rows.values)),
};

/** @throws {GaplineError} `model-invalid` where it is missing */
export function fileOf(files: Artifact['files'] | undefined, name: string): Uint8Array {
  const bytes = files?.get(name);
  if (!bytes) throw new GaplineError('model-invalid', `${name} is missing`);
  return bytes;
}

/** Of a part that is kept as JSON, gzipped. */
export async function unpackJson(name: string, bytes: Uint8Array): Promise<unknown> {
  try {
    const text = await promisify(gunzip)(bytes, { maxOutputLength: maxFileBytes });
    return JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw new GaplineError('model-invalid', `${name} cannot be unpacked: ${describeError(error)}`, { cause: error });
  }
}
