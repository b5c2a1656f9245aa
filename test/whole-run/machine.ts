import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findChromium } from '../../dashboard/testing/browser.ts';
import { obtained } from '../servers/obtain.ts';
import type { SuppliedPart } from './parts.ts';
import type { Machine } from './plan.ts';

/** Commands whose presence on the PATH says too little: what shows that they work. */
const trials: Readonly<Record<string, readonly (readonly string[])[]>> = {
  // macOS has a `java` that only says where to get one.
  java: [['-version']],
  python3: [['-c', 'import ensurepip, venv']],
  docker: [['compose', 'version'], ['info']],
};

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  const known = new Map<string, boolean>();
  return {
    linux: process.platform === 'linux',
    has(command) {
      const answer = known.get(command) ?? works(command);
      known.set(command, answer);
      return answer;
    },
    holds: (part) => holds(part as SuppliedPart),
  };
}

function works(command: string): boolean {
  const tried = trials[command];
  if (!tried) return onPath(command);
  return tried.every((args) => spawnSync(command, args, { stdio: 'ignore', timeout: 30_000 }).status === 0);
}

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function holds({ id, supplies, givenBy }: SuppliedPart): boolean {
  if (givenBy && process.env[givenBy]) return true;
  if (id === 'browser') return findChromium() !== undefined;
  // It has nothing of its own: it is there when the parts are that it needs.
  if (id === 'campaign') return true;
  return supplies.length > 0 && supplies.every(obtained);
}
