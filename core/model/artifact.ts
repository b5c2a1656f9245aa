import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { readWhole } from '../files/whole.ts';
import { describeError, GaplineError } from '../wire/errors.ts';
import { firstIssue } from '../wire/issue.ts';
import { validate } from '../wire/validate.ts';
import { type Manifest, manifestSchema, misfit, modelFormat, modelFormatVersion } from './manifest.ts';
import type { ModelIdentity } from './model.ts';

/** A model version as files: a manifest and what it names. See docs/model-format.md. */
export interface Artifact {
  readonly manifest: Manifest;
  /** By file name, as they stand on disk. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** An artifact without name and version, which the registry gives it. */
export interface Draft {
  readonly manifest: Omit<Manifest, 'name' | 'version'>;
  readonly files: Artifact['files'];
}

const manifestFile = 'model.json';
/** In the format of `sha256sum`, so that `sha256sum -c SHA256SUMS` checks a model too. */
export const checksumFile = 'SHA256SUMS';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A forest's JSON as the artifact keeps it. */
export const packJson = async (json: unknown): Promise<Uint8Array> => promisify(gzip)(JSON.stringify(json));

/** Parts that are kept as JSON, by name, as they are written. */
export async function packAll(unpacked: ReadonlyMap<string, unknown>): Promise<Artifact['files']> {
  const pack = async ([name, json]: [string, unknown]) => [name, await packJson(json)] as const;
  return new Map(await Promise.all(Array.from(unpacked, pack)));
}

/** Where the files of a version are read from: a folder, or a registry's server. */
export interface ArtifactSource {
  /** For messages: the folder, or the address. */
  readonly place: string;
  /** Name and version where the registry gives them, and `model.json` need not have them. */
  readonly identity?: ModelIdentity;
  /** @throws {GaplineError} `model-invalid` where there is no such file; what says `retryable` where that is not known */
  read(name: string): Promise<Uint8Array>;
}

/** The files of a folder. */
export const folderSource = (folder: string): ArtifactSource => ({
  place: folder,
  read: (name) => readPart(folder, name),
});

const sourceOf = (from: string | ArtifactSource): ArtifactSource =>
  typeof from === 'string' ? folderSource(from) : from;

/** The files of an artifact as they are kept, the checksums last. A draft has no name and version, which its registry gives. */
export function encodeArtifact({ manifest, files }: Artifact | Draft): Map<string, Uint8Array> {
  const isDraft = !('version' in manifest);
  const schema = isDraft ? manifestSchema.omit({ name: true, version: true }) : manifestSchema;
  // People read it in a folder; MLflow sends a file line by line, so there it is one.
  const text = `${JSON.stringify(schema.parse(manifest), null, isDraft ? 0 : 1)}\n`;
  const all = new Map([[manifestFile, new TextEncoder().encode(text)], ...files]);
  const sums = Array.from(all, ([name, bytes]) => `${sha256(bytes)}  ${name}\n`).join('');
  return all.set(checksumFile, new TextEncoder().encode(sums));
}

/** Writes an artifact into a new folder, through to the disk. */
export async function writeArtifact(folder: string, artifact: Artifact | Draft): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of encodeArtifact(artifact)) {
    const file = await open(join(folder, name), 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/**
 * Reads an artifact and checks it: checksums, format, and that its parts fit each other.
 * @throws {GaplineError} `model-invalid` with the reason on one line.
 */
export async function readArtifact(from: string | ArtifactSource): Promise<Artifact> {
  const { manifest, verified } = await readVerified(sourceOf(from));
  const files = new Map<string, Uint8Array>();
  for (const part of [manifest.estimator, manifest.neighbours])
    if (part && 'file' in part) files.set(part.file, await verified(part.file));
  return { manifest, files };
}

/** Reads `model.json` alone, with its checksum. */
export async function readManifest(from: string | ArtifactSource): Promise<Manifest> {
  return (await readVerified(sourceOf(from))).manifest;
}

/** Changes when the files of a version do: the hash of their checksums. */
export const stampOf = async (source: ArtifactSource): Promise<string> => sha256(await source.read(checksumFile));

async function readVerified(source: ArtifactSource) {
  const { place, identity } = source;
  const sums = readSums(place, await source.read(checksumFile));
  const verified = async (name: string): Promise<Uint8Array> => {
    const wanted = sums.get(name);
    if (wanted === undefined) throw invalidModel(place, `${checksumFile} does not list ${name}`);
    const bytes = await source.read(name);
    if (sha256(bytes) !== wanted)
      throw invalidModel(place, `${name} is corrupt: its checksum is not the one written down`);
    return bytes;
  };
  return { manifest: parseManifest(place, await verified(manifestFile), identity), verified };
}

function parseManifest(folder: string, bytes: Uint8Array, identity: ModelIdentity | undefined): Manifest {
  let json: Partial<Manifest> | null;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalidModel(folder, `${manifestFile} is not JSON: ${describeError(error)}`, error);
  }
  if (json?.format !== modelFormat) throw invalidModel(folder, `${manifestFile} does not begin as one of Gapline's`);
  if (typeof json.formatVersion === 'number' && json.formatVersion > modelFormatVersion) {
    const detail = `it has format version ${json.formatVersion}; this Gapline reads up to ${modelFormatVersion}: upgrade it`;
    throw invalidModel(folder, detail);
  }
  const { success, data, error } = validate(manifestSchema, { ...json, ...identity });
  if (!success) throw invalidModel(folder, `${manifestFile}: ${firstIssue(error)}`);
  const reason = misfit(data);
  if (reason !== undefined) throw invalidModel(folder, `${manifestFile}: ${reason}`);
  return data;
}

/** No file of a model is larger. */
export const mostPartBytes = 2_000_000_000;

async function readPart(folder: string, name: string): Promise<Uint8Array> {
  try {
    return await readWhole(join(folder, name), mostPartBytes);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw invalidModel(
      folder,
      missing ? `${name} is missing` : `${name} cannot be read: ${describeError(error)}`,
      error,
    );
  }
}

/** The hash of each file, by name. @throws {GaplineError} `model-invalid` */
export function readSums(folder: string, bytes: Uint8Array): Map<string, string> {
  const lines = new TextDecoder().decode(bytes).split('\n').filter(Boolean);
  return new Map(
    lines.map((line, at) => {
      const [, sum, name] = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line) ?? [];
      if (sum && name) return [name, sum] as const;
      throw invalidModel(folder, `${checksumFile} line ${at + 1} is not a checksum and a name`);
    }),
  );
}

export function invalidModel(folder: string, detail: string, cause?: unknown): GaplineError {
  return new GaplineError('model-invalid', `The model in ${folder}: ${detail}`, { cause, retryable: false });
}
