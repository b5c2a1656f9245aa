import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { obtain, obtained, type Report, run, type Supply } from './obtain.ts';

/** A Python environment with packages from PyPI, by what it is for. Versions are pinned: their numbers stand in the documents. */
export const pythonSupplies = {
  scikitLearn: environment('scikit-learn', ['scikit-learn==1.9.1']),
  mlflow: environment('mlflow', ['scikit-learn==1.9.1', 'mlflow==3.7.0']),
} as const;

export type PythonName = keyof typeof pythonSupplies;

function environment(title: string, packages: readonly string[]): Supply {
  return {
    title: `Python with ${title}`,
    folder: `python-${packages.map((each) => each.replace('==', '-')).join('-')}`,
    ways: [
      {
        title: 'venv and pip',
        async make(folder, logFile) {
          await run('python3', ['-m', 'venv', folder], { logFile });
          const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...packages];
          await run(interpreter(folder), install, { logFile });
        },
      },
    ],
  };
}

/** The environment is moved into place after it was made, so its programs are started as `python -m NAME`, never by their scripts. */
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

/**
 * A suite that needs a Python environment. Without one it says so and does not run; `GAPLINE_REQUIRE_SERVERS=1` makes one, but not that of
 * MLflow, whose many packages take long to get: `GAPLINE_REQUIRE_MLFLOW=1` does.
 */
export function describeWithPython(name: PythonName, title: string, suite: (python: () => string) => void): void {
  const demand = name === 'mlflow' ? process.env.GAPLINE_REQUIRE_MLFLOW : process.env.GAPLINE_REQUIRE_SERVERS;
  if (demand === '1') {
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
