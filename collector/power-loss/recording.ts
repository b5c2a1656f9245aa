import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a process promised that its disk was watched, and what a power loss could have left of it. */
export interface Recording<Promised> {
  readonly promises: readonly Promised[];
  /** The folders of the moments at which the power may fail, in order. */
  readonly crashes: readonly string[];
}

/** The compiler of the library that watches a disk; undefined where the machine has none. */
export const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
if (compiler === undefined) console.error('power loss: there is no C compiler; its test does not run.');

const sectorBytes = 512;

export interface Workload {
  /** A module of this folder: `node MODULE FILE CRASH_FOLDER SEED STEPS` prints what it promised. */
  readonly module: string;
  /** The name of its file. */
  readonly file: string;
  readonly seed: number;
}

/** Runs a workload with the disk watched. */
export function record<Promised>(
  folder: string,
  { module, file, seed }: Workload,
  env: Record<string, string> = {},
): Recording<Promised> {
  const library = join(folder, 'disk.so');
  if (!existsSync(library)) {
    execFileSync(compiler!, ['-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'disk.c'), '-ldl']);
  }
  const [watched, crash] = [join(folder, `watched-${seed}`), join(folder, `crash-${seed}`)];
  mkdirSync(watched);
  mkdirSync(crash);
  const args = [join(import.meta.dirname, module), join(watched, file), crash, String(seed), '25'];
  const output = execFileSync(process.execPath, args, {
    env: { ...process.env, LD_PRELOAD: library, WATCH_FOLDER: watched, CRASH_FOLDER: crash, ...env },
    encoding: 'utf8',
  });
  const names = readdirSync(crash).filter((name) => name !== 'synced');
  const crashes = names.sort((left, right) => Number(left) - Number(right)).map((name) => join(crash, name));
  return { promises: JSON.parse(output), crashes };
}

/** How often the disk was synced so far. */
export function syncsSoFar(crashFolder: string): number {
  return existsSync(crashFolder) ? readdirSync(crashFolder).filter((name) => name !== 'synced').length : 0;
}

/**
 * A folder as the disk may have it after a power loss: each sector from what was synced or from what was written since; of a file never
 * synced, all, some or nothing.
 */
export function afterPowerLoss(crash: string, folder: string, seed: number): string {
  const into = mkdtempSync(join(folder, 'after-'));
  const random = randomFrom(seed);
  const [live, synced] = ['live', 'synced'].map((part) => readFolder(join(crash, part))) as [Files, Files];
  for (const name of new Set([...live.keys(), ...synced.keys()])) {
    const [now, then] = [live.get(name), synced.get(name)];
    if ((now === undefined || then === undefined) && random() < 0.5) continue;
    const [newer, older] = [now ?? then!, then ?? Buffer.alloc(0)];
    const bytes = Buffer.alloc(random() < 0.5 ? newer.length : older.length);
    for (let at = 0; at < bytes.length; at += sectorBytes) {
      const source = random() < 0.5 ? newer : older;
      if (at < source.length) source.copy(bytes, at, at, at + sectorBytes);
    }
    writeFileSync(join(into, name), bytes);
  }
  return into;
}

type Files = Map<string, Buffer>;

function readFolder(path: string): Files {
  return new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name))]));
}

export function randomFrom(start: number): () => number {
  let state = Math.imul(start, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
