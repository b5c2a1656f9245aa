import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { backup as copyDatabase, DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { readWhole } from '../../core/files/whole.ts';
import { isOwnStep } from '../../core/steps/load.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { validate } from '../../core/wire/validate.ts';
import { keptDrafts } from '../../training/kept-draft.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { liesOutside, ownModules } from '../own-modules.ts';
import { complain, printLines } from '../print.ts';
import { draftsOf } from '../stream.ts';

export interface BackupOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  /** The folder to make. */
  readonly to: string;
}

export interface RestoreOptions {
  readonly data: string;
  /** Where `stream.yaml` and the models go. Default: the stream's name. */
  readonly folder?: string;
}

const manifestFile = 'backup.json';
const mostManifestBytes = 64_000_000;
const manifestSchema = z.object({
  format: z.literal('gapline-backup'),
  formatVersion: z.literal(1),
  stream: z.string(),
  created: z.string(),
  /** SHA-256 by path: `data/…` is state, `stream/…` the stream's folder. */
  files: z.record(z.string(), z.string()),
});

const fail = (detail: string): GaplineError => new GaplineError('config-invalid', detail);
const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Copies the state of an embedded line and its stream into a folder, while the line may run. The folder appears once it is whole and
 * checked.
 * @throws {GaplineError} `config-invalid` where the folder is there already, or something lies outside of the stream's folder
 */
export async function backUp(options: BackupOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const target = resolve(options.to);
  if (await there(target)) throw fail(`--to ${options.to}: is there already; name a new folder`);
  await mkdir(dirname(target), { recursive: true });
  const making = await mkdtemp(join(dirname(target), '.gapline-backup-'));
  try {
    await copyState(resolve(options.data), join(making, 'data'));
    const remarks = await copyStream(loaded, join(making, 'stream'));
    const files = await checksums(making);
    const manifest = { format: 'gapline-backup', formatVersion: 1, stream: loaded.config.stream };
    const text = JSON.stringify({ ...manifest, created: new Date().toISOString(), files }, null, 2);
    await writeFile(join(making, manifestFile), `${text}\n`, { flush: true });
    await rename(making, target);
    for (const remark of remarks) complain(`not in the back-up: ${remark}\n`);
    printLines([`backed up ${loaded.config.stream} to ${target}: ${Object.keys(files).length} files, checked`]);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  }
}

/** Databases as SQLite copies them: each as it is at one moment. Other files are written whole by whoever writes them. */
async function copyState(from: string, to: string): Promise<void> {
  await mkdir(to);
  const entries = await readdir(from, { withFileTypes: true }).catch(() => []);
  // The log last: what goes from a spool or a journal to it meanwhile is in both copies, and not in none.
  const last = (name: string) => (name === 'gapline.db' ? 1 : 0);
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const names = files.sort((a, b) => last(a) - last(b));
  if (!names.includes('gapline.db'))
    throw fail(`--data ${from}: it holds no gapline.db; name the folder of the line's state`);
  for (const name of names) {
    // What belongs to running processes: parts of the databases that are copied below, and locks.
    if (/-(wal|shm|journal)$|-lease-/.test(name)) continue;
    if (name.endsWith('.db')) await copyOne(join(from, name), join(to, name));
    else await cp(join(from, name), join(to, name));
  }
}

/** All pages in one step: were there several, a line that writes between them would make SQLite begin again each time. */
const allPages = 2 ** 31 - 1;

async function copyOne(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
  try {
    await copyDatabase(source, to, { rate: allPages });
  } finally {
    source.close();
  }
  const copy = new DatabaseSync(to);
  const result = copy.prepare('PRAGMA quick_check(1)').get();
  copy.exec('PRAGMA journal_mode = DELETE');
  copy.close();
  if (result?.quick_check !== 'ok')
    throw new GaplineError('log-corrupt', `${from}: its copy is damaged: ${String(result?.quick_check)}`);
}

/**
 * `stream.yaml`, the models, the files that it names, and what its modules import of its folder.
 * @returns what they import and is not there
 */
async function copyStream(loaded: LoadedConfig, to: string): Promise<readonly string[]> {
  const { config, file, folder } = loaded;
  const { data, model, generator, steps } = config;
  const tables = [data.train, data.replay, data.facts].flatMap((named) => named ?? []);
  const steppers = steps.flatMap((step) => (isOwnStep(step.use) ? [step.use] : []));
  const modules = [...(generator.simulate === undefined ? [] : [generator.simulate]), ...steppers];
  const models = join(model.folder, model.name ?? config.stream);
  await mkdir(to);
  await cp(resolve(file), join(to, 'stream.yaml'));
  const isOutside = (named: string) => liesOutside(folder, resolve(folder, named));
  const own = modules.filter((named) => !isOutside(named)).map((named) => resolve(folder, named));
  const { inside: reached, outside } = await ownModules(own, folder);
  for (const named of [models, ...tables, ...modules, ...reached]) {
    const source = resolve(folder, named);
    if (isOutside(named))
      throw fail(`${file}: ${named} lies outside of its folder; a back-up takes only what is inside`);
    if (await there(source)) await cp(source, join(to, relative(folder, source)), { recursive: true });
  }
  const drafts = draftsOf(loaded)?.folder;
  if (drafts !== undefined && !isOutside(drafts)) await copyDrafts(drafts, join(to, relative(folder, drafts)));
  const elsewhere = outside.map(
    ({ name, importedBy }) => `${name}, which ${importedBy} imports; it lies outside of the stream's folder`,
  );
  const lost: string[] = [];
  for (const path of reached) if (!(await there(path))) lost.push(`${relative(folder, path)}, which is missing`);
  return [...elsewhere, ...lost];
}

/**
 * What was trained and MLflow does not have yet. The cache of what MLflow has is left out: it is fetched anew, and a copy of it would be as
 * old as the back-up.
 */
async function copyDrafts(from: string, to: string): Promise<void> {
  for (const draft of await keptDrafts(from)) await cp(draft, join(to, basename(draft)), { recursive: true });
}

async function checksums(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sums: Record<string, string> = {};
  for (const file of files.sort()) sums[relative(folder, file).split(sep).join('/')] = await checksum(file);
  return sums;
}

async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * Puts a back-up where nothing is yet, after all of it was checked.
 * @throws {GaplineError} `config-invalid` where it is damaged or incomplete, or would overwrite something
 */
export async function restore(from: string, options: RestoreOptions): Promise<void> {
  const source = resolve(from);
  const { stream, files } = await readManifest(source);
  for (const [name, sum] of Object.entries(files)) {
    const found = await checksum(join(source, name)).catch(() => undefined);
    if (found !== sum)
      throw fail(`${from}: ${name} is ${found === undefined ? 'missing' : 'damaged'}; nothing was restored`);
  }
  const targets = { data: resolve(options.data), stream: resolve(options.folder ?? stream) };
  const pairs = Object.keys(files).map((name) => {
    const [part = '', ...rest] = name.split('/');
    return [join(source, name), join(part === 'data' ? targets.data : targets.stream, ...rest)] as const;
  });
  for (const file of [...pairs.map(([, to]) => to), join(targets.data, 'gapline.db-wal')])
    if (await there(file)) throw fail(`${file} is there already; restore into empty folders: --data and --folder`);
  for (const [file, to] of pairs) {
    await mkdir(dirname(to), { recursive: true });
    await cp(file, to, { errorOnExist: true, force: false });
  }
  printLines([`restored ${stream}: state in ${targets.data}, stream.yaml and models in ${targets.stream}`]);
}

async function readManifest(folder: string): Promise<z.infer<typeof manifestSchema>> {
  const bytes = await readWhole(join(folder, manifestFile), mostManifestBytes).catch((cause: unknown) => {
    throw new GaplineError('config-invalid', `${folder}: is no back-up, it has no ${manifestFile}`, { cause });
  });
  const manifest = validate(manifestSchema, parseJson(bytes.toString('utf8')));
  const escapes = (name: string) => !/^(data|stream)\//.test(name) || name.split('/').includes('..');
  if (!manifest.success || Object.keys(manifest.data.files).some(escapes))
    throw fail(`${folder}: its ${manifestFile} is not one that gapline backup wrote`);
  return manifest.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
