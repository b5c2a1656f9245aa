import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quickFolder, silent } from '../../testing.ts';
import { Spool } from '../spool.ts';
import type { Promised } from './workload.ts';

const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
if (compiler === undefined) console.error('power loss: there is no C compiler; its test does not run.');

const sectorBytes = 512;
let folder: string;
beforeAll(() => {
  folder = quickFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.runIf(process.env.CI)('a continuous integration run has a C compiler', () => expect(compiler).toBeDefined());

describe.runIf(compiler !== undefined)('a power loss at any sync', () => {
  test.each([1, 2, 3, 4])('loses nothing that was promised, whichever unsynced sectors survive (seed %i)', (seed) => {
    const { promises, crashes } = record(seed);
    expect(crashes.length).toBeGreaterThan(20);
    const complaints = crashes.flatMap((crash, index) =>
      [1, 2].flatMap((turn) => complaintsAfter(crash, index, promises, 1_000 * seed + turn)),
    );
    expect(complaints).toEqual([]);
  });

  test('is noticed by this test where the disk lies about its syncs', () => {
    const { promises, crashes } = record(5, { LYING_DISK: '1' });
    const complaints = crashes.flatMap((crash, index) => complaintsAfter(crash, index, promises, 7));
    expect(complaints.length).toBeGreaterThan(0);
  });
});

interface Recording {
  readonly promises: readonly Promised[];
  /** The folders of the moments at which the power may fail, in order. */
  readonly crashes: readonly string[];
}

/** Runs the workload with the disk watched. */
function record(seed: number, env: Record<string, string> = {}): Recording {
  const library = join(folder, 'disk.so');
  if (!existsSync(library)) {
    execFileSync(compiler!, ['-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'disk.c'), '-ldl']);
  }
  const [watched, crash] = [join(folder, `spool-${seed}`), join(folder, `crash-${seed}`)];
  mkdirSync(watched);
  mkdirSync(crash);
  const workload = join(import.meta.dirname, 'workload.ts');
  const output = execFileSync(process.execPath, [workload, join(watched, 'spool.db'), crash, String(seed), '25'], {
    env: { ...process.env, LD_PRELOAD: library, WATCH_FOLDER: watched, CRASH_FOLDER: crash, ...env },
    encoding: 'utf8',
  });
  const names = readdirSync(crash).filter((name) => name !== 'synced');
  const crashes = names.sort((left, right) => Number(left) - Number(right)).map((name) => join(crash, name));
  return { promises: JSON.parse(output), crashes };
}

/** Builds a state that the disk may have after the power loss, opens it as a spool, and reports each broken promise. */
function complaintsAfter(crash: string, syncs: number, promises: readonly Promised[], seed: number): string[] {
  const after = mkdtempSync(join(folder, 'after-'));
  mix(crash, after, seed + syncs);
  // Steps that ended before this sync began hold; the one under way may have happened or not.
  const before = promises.findLast((promise) => promise.syncs <= syncs) ?? { appended: 0, removed: 0, sending: 0 };
  const next = promises.find((promise) => promise.syncs > syncs) ?? before;
  const spool = new Spool({
    file: join(after, 'spool.db'),
    maxBytes: 1e9,
    logger: silent,
    lost: () => {},
    nowMs: () => 0,
  });
  const { maybeSent } = spool.start();
  const chunks = contents(spool);
  spool.stop();
  rmSync(after, { recursive: true });
  const wanted = range(next.removed + 1, before.appended);
  const allowed = range(before.removed + 1, next.appended);
  const complaints: string[] = [];
  if (wanted.some((chunk) => !chunks.includes(chunk))) complaints.push(`${crash}: has ${chunks}, promised ${wanted}`);
  if (chunks.some((chunk) => !allowed.includes(chunk))) complaints.push(`${crash}: has ${chunks}, put in ${allowed}`);
  if (chunks.some((chunk, index) => index > 0 && chunk <= chunks[index - 1]!))
    complaints.push(`${crash}: order ${chunks}`);
  const sent = chunks.filter((chunk) => chunk <= before.sending).length;
  if (maybeSent < sent) complaints.push(`${crash}: ${sent} were sent, ${maybeSent} counted`);
  return complaints;
}

/** The numbers of the chunks, each of which must be whole. */
function contents(spool: Spool): number[] {
  const batch = spool.next(Number.MAX_SAFE_INTEGER);
  return (batch?.records ?? []).map(({ value }) => {
    const text = Buffer.from(value).toString();
    const number = text.slice(0, text.indexOf(':'));
    expect(text).toBe(`${number}:`.padEnd(text.length, number));
    return Number(number);
  });
}

/** Takes each sector from what was synced or from what was written since; of a file never synced, all, some or nothing. */
function mix(crash: string, into: string, seed: number): void {
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
}

type Files = Map<string, Buffer>;

function readFolder(path: string): Files {
  return new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name))]));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
}

function randomFrom(start: number): () => number {
  let state = Math.imul(start, 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
