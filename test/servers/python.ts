import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe } from 'vitest';
import { obtain, obtained, type Report, run, type Supply } from './obtain.ts';

/** A Python environment with packages from PyPI, by what it is for. Versions are pinned: their numbers stand in the documents. */
export const pythonSupplies = {
  scikitLearn: environment('scikit-learn', ['scikit-learn==1.9.1']),
  mlflow: environment('mlflow', ['scikit-learn==1.9.1', 'mlflow==3.7.0', 'fastapi==0.121.3', 'sqlalchemy==2.0.44']),
  spark: environment('Spark and Prefect', linesOf('examples/ecg/etl-requirements.txt')),
} as const;

export type PythonName = keyof typeof pythonSupplies;

function linesOf(requirements: string): string[] {
  const lines = readFileSync(join(import.meta.dirname, '../..', requirements), 'utf8');
  return lines.split('\n').filter((line) => line !== '');
}

function environment(title: string, packages: readonly string[]): Supply {
  return {
    title: `Python with ${title}`,
    folder: `venv-${packages.map((each) => each.replace('==', '-')).join('-')}`,
    ways: [
      {
        title: 'venv and pip',
        async make(folder, logFile) {
          await run('python3', ['-m', 'venv', folder], { logFile });
          const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...packages];
          await run(interpreter(folder), install, { logFile });
          unbindPrograms(join(folder, 'bin'));
        },
      },
    ],
  };
}

/** The environment is moved into place after it was made: its programs must not name the folder where that was. */
function unbindPrograms(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = join(folder, entry.name);
    if (!entry.isFile() || readFileSync(file, 'latin1').slice(0, 2) !== '#!') continue;
    const program = readFileSync(file, 'utf8');
    writeFileSync(file, program.replace(/^#!.*\/python[\d.]*$/m, '#!/usr/bin/env python3'));
  }
}

const interpreter = (folder: string): string => join(folder, 'bin', 'python');

/** The interpreter of an environment that is in the cache already. */
export function pythonOf(name: PythonName): string | undefined {
  const folder = obtained(pythonSupplies[name]);
  return folder && existsSync(interpreter(folder)) ? interpreter(folder) : undefined;
}

/** The interpreter of an environment, made first where there is none. */
export async function obtainPython(name: PythonName, report: Report): Promise<string> {
  return interpreter(await obtain(pythonSupplies[name], report));
}

/** A suite that needs a Python environment. Without one it says so and does not run; `GAPLINE_REQUIRE_SERVERS=1` makes one. */
export function describeWithPython(name: PythonName, title: string, suite: (python: () => string) => void): void {
  if (process.env.GAPLINE_REQUIRE_SERVERS === '1') {
    describe(title, () => {
      let python = '';
      beforeAll(async () => {
        python = await obtainPython(name, (line) => console.error(`servers: ${line}`));
      }, 900_000);
      // Inside, so that its own preparations come after.
      describe(`with ${pythonSupplies[name].title}`, () => suite(() => python));
    });
    return;
  }
  const python = pythonOf(name);
  if (python !== undefined) describe(title, () => suite(() => python));
  else describe.skipIf(true)(`${title} (not run: no ${pythonSupplies[name].title} here)`, () => suite(() => ''));
}

/** Runs a script with an interpreter until it ends. */
export async function runPython(python: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(python, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number | null, stdout, stderr };
}

/** Makes a Spark of this machine small: few partitions, one compiler, a collector of garbage without threads. */
export const sparkEnv = {
  PYSPARK_SUBMIT_ARGS: [
    '--driver-memory 1g --driver-java-options "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"',
    '--conf spark.sql.shuffle.partitions=2 --conf spark.master=local[2] pyspark-shell',
  ].join(' '),
};
