import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { ClassifierTask } from './child.ts';

/** A classifier in a process of its own, which a test may kill. */
export interface Member {
  readonly child: ChildProcess;
  /** What it said last of itself. */
  readonly told: { readings: number };
}

export function startMember(task: ClassifierTask): Member {
  const child = fork(join(import.meta.dirname, 'child.ts'), [JSON.stringify(task)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const told = { readings: 0 };
  child.on('message', (readings) => {
    told.readings = Number(readings);
  });
  return { child, told };
}
