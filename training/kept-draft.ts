import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Draft, folderSource, readArtifact, writeArtifact } from '../core/model/artifact.ts';
import type { Registry } from '../core/model/registry/port.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import { type Published, promoteFirst, publishDraft } from './draft.ts';

/** Where what was trained stays until a registry has it. */
export interface KeptDrafts {
  readonly folder: string;
  /** The command that registers what is in a folder. */
  readonly command: (folder: string) => string;
}

/**
 * Adds the next version to a registry that may be unavailable by then: the draft is written to the disk before, and removed once it is
 * registered. So neither a registry that fails nor a process that is killed loses what was trained.
 * @throws {GaplineError} as the registry does; the message says where the draft is, and the command that registers it
 */
export async function publishKept(draft: Draft, registry: Registry, drafts: KeptDrafts): Promise<Published> {
  const folder = await keep(draft, drafts.folder);
  try {
    const published = await publishDraft(draft, registry);
    await rm(folder, { recursive: true, force: true });
    return published;
  } catch (error) {
    const detail = `${describeError(error)}; what was trained is kept in ${folder}; register it later: ${drafts.command(folder)}`;
    if (!(error instanceof GaplineError)) throw new GaplineError('internal', detail, { cause: error });
    throw new GaplineError(error.code, detail, { cause: error, retryable: error.retryable });
  }
}

/** Readers see a whole draft or none. */
async function keep(draft: Draft, folder: string): Promise<string> {
  const made = draft.manifest.created.replaceAll(/[^\dTZ]/g, '');
  const suffix = randomBytes(3).toString('hex');
  const aside = join(folder, `.${made}-${suffix}`);
  const place = join(folder, `${made}-${suffix}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeArtifact(aside, draft);
    await rename(aside, place);
    return place;
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
}

/** Folders of drafts that were not registered, the oldest first. */
export async function keptDrafts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  return names.sort().map((name) => join(folder, name));
}

/**
 * Registers what is in a folder: a draft that was kept, or a version of another registry. Repeated, it finds the version that it made.
 * @throws {GaplineError} `model-invalid` where the folder holds no sound model
 */
export async function importFolder(
  folder: string,
  registry: Registry,
): Promise<Published & { readonly found: boolean }> {
  // A draft has neither; they are not part of what is registered.
  const source = { ...folderSource(folder), identity: { name: 'draft', version: 1 } };
  const { manifest, files } = await readArtifact(source);
  const { name: _name, version: _version, ...rest } = manifest;
  const draft = { manifest: rest, files };
  const before = await versionOfDraft(draft, registry);
  if (before === undefined) return { ...(await publishDraft(draft, registry)), found: false };
  const identity = { name: (await registry.manifest(before)).name, version: before };
  return { ...(await promoteFirst(draft, identity, registry)), found: true };
}

/** The version that has this very manifest, which holds the time at which it was made and the hash of its data. */
async function versionOfDraft(draft: Draft, registry: Registry): Promise<number | undefined> {
  for (const version of (await registry.versions()).toReversed()) {
    try {
      const { name: _name, version: _version, ...manifest } = await registry.manifest(version);
      if (isDeepStrictEqual(manifest, draft.manifest)) return version;
    } catch (error) {
      // One that cannot be used is another.
      if (!(error instanceof GaplineError) || error.code !== 'model-invalid') throw error;
    }
  }
  return undefined;
}
