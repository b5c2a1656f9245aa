import { rmSync } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError, GaplineError } from '../../core/wire/errors.ts';

/** What a stream's folder is made of, `stream.yaml` last: where that stands, all stands. */
const entries = ['data/train.csv', 'data/test.csv', 'models', 'stream.yaml'] as const;

/**
 * Makes what belongs into a folder beside it, and moves it there once it is whole. Where `make` fails, or a signal ends it, nothing is
 * left behind.
 * @throws {GaplineError} `config-invalid` where something of the kind is there already, or nothing can be written.
 */
export async function makeFolder(folder: string, make: (making: string) => Promise<void>): Promise<void> {
  await refuseExisting(folder);
  const { making, made } = await temporaryBeside(folder);
  const clear = () => rm(made ?? making, { recursive: true, force: true });
  // At once: what is being made must not write between the removal and the end.
  const stop = () => {
    rmSync(made ?? making, { recursive: true, force: true });
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await mkdir(join(making, 'data'));
    await make(making);
    await refuseExisting(folder);
    await mkdir(join(folder, 'data'), { recursive: true });
    for (const entry of entries) await rename(join(making, entry), join(folder, entry));
    await rm(making, { recursive: true });
  } catch (error) {
    await clear();
    throw error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** `made`: the first of the folders above it that had to be made too. */
async function temporaryBeside(folder: string): Promise<{ making: string; made: string | undefined }> {
  const parent = dirname(folder);
  try {
    const made = await mkdir(parent, { recursive: true });
    return { making: await mkdtemp(join(parent, '.gapline-new-')), made };
  } catch (cause) {
    const detail = `${folder}: nothing can be written there: ${describeError(cause)}`;
    throw new GaplineError('config-invalid', detail, { cause });
  }
}

async function refuseExisting(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory()) throw new GaplineError('config-invalid', `${folder}: is a file, not a folder`);
  for (const entry of entries) {
    const there = await access(join(folder, entry)).then(
      () => true,
      () => false,
    );
    if (there)
      throw new GaplineError(
        'config-invalid',
        `${join(folder, entry)} is there already; choose another name or --folder`,
      );
  }
}
