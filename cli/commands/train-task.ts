import { mkdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Lock, tryLock } from '../../core/files/lock.ts';
import { describeError } from '../../core/wire/errors.ts';
import { versionOfTask } from '../../gateway/models/versions.ts';
import { untilRegistryResponds } from '../../gateway/tasks/registry-wait.ts';
import { type TrainingMessage, waiting } from '../../gateway/tasks/training.ts';
import { importFolder, keptDrafts } from '../../training/kept-draft.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { draftsOf, openModels } from '../stream.ts';
import { prepared, type TrainCommandOptions, trainFrom } from './train.ts';
import { openParts } from './training-data.ts';

export interface TrainTaskOptions extends TrainCommandOptions {
  /** The id of the task; the version that it makes carries it. */
  readonly task: string;
}

const send = (message: TrainingMessage): void => void process.send?.(message);

/** Trains for the gateway, and reports to it. Ends with the gateway: whoever takes the task over begins it again. */
export async function trainTask(options: TrainTaskOptions): Promise<void> {
  process.on('disconnect', () => process.exit(1));
  try {
    const lock = await lockTraining(options.data);
    const loaded = loadConfig(options.config, options.set);
    const made = await untilRegistryResponds(() => versionFor(loaded, options), {
      onWait: (attempt) => send({ progress: waiting(attempt) }),
    });
    send({ made });
    lock.release();
  } catch (error) {
    send({ failed: describeError(error) });
    process.exitCode = 1;
  }
  // Nothing is to come any more; an open channel would keep the process.
  process.removeAllListeners('disconnect');
  process.disconnect?.();
}

/** The version that an earlier attempt at this task made, or a new one. */
async function versionFor(loaded: LoadedConfig, options: TrainTaskOptions): Promise<number> {
  const models = openModels(loaded);
  const before = await versionOfTask(models, options.task);
  const kept = await draftOf(loaded, options.task);
  if (before) {
    if (kept !== undefined) await rm(kept, { recursive: true, force: true });
    return before.version;
  }
  if (kept !== undefined) {
    const { identity } = await importFolder(kept, models);
    await rm(kept, { recursive: true, force: true });
    return identity.version;
  }
  const parts = await prepared(loaded, await openParts(loaded, options));
  const { identity } = await trainFrom(loaded, parts, {
    task: options.task,
    threads: Math.max(1, availableParallelism() - 1),
    onProgress: ({ step, of, done, all }) => send({ progress: { step, of, done, all } }),
  });
  return identity.version;
}

/** The folder of what an earlier attempt trained and the registry did not take. */
async function draftOf(loaded: LoadedConfig, task: string): Promise<string | undefined> {
  const drafts = draftsOf(loaded);
  for (const folder of drafts ? await keptDrafts(drafts.folder) : []) {
    const manifest = await readFile(join(folder, 'model.json'), 'utf8').catch(() => '{}');
    if (JSON.parse(manifest).lineage?.options?.task === task) return folder;
  }
  return undefined;
}

const pollMs = 200;

/** Waits until no other process trains with this data: one that lost its gateway may still be ending. */
async function lockTraining(dataFolder: string): Promise<Lock> {
  mkdirSync(dataFolder, { recursive: true });
  for (;;) {
    const lock = tryLock(join(dataFolder, 'training.lock'));
    if (lock) return lock;
    await sleep(pollMs);
  }
}
