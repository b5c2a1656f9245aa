// What a bench compares with is installed on demand into a cache that Git does not see, and asked over pipes.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../node_modules/.cache/gapline-bench/', import.meta.url));
const pythonFolder = fileURLToPath(new URL('python/', import.meta.url));

/** A folder of the cache, made if need be. */
export function cacheFolder(name: string): string {
  const folder = join(cache, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Makes, once, a virtual environment with what a list of requirements says, and gives its interpreter. */
export function installPython(list = 'requirements'): string {
  const file = join(pythonFolder, `${list}.txt`);
  const requirements = readFileSync(file, 'utf8');
  const folder = cacheFolder(list === 'requirements' ? 'python' : `python-${list}`);
  const python = join(folder, 'bin', 'python');
  once(join(folder, 'installed.txt'), requirements, () => {
    run('python3', ['-m', 'venv', folder]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', file]);
  });
  return python;
}

/** Adds one package to a virtual environment, once, without what it depends on, and gives the folder where it is. */
export function installAlone(python: string, wanted: string): string {
  const place = "import sysconfig; print(sysconfig.get_paths()['purelib'])";
  const packages = spawnSync(python, ['-c', place], { encoding: 'utf8' }).stdout.trim();
  once(join(packages, `${wanted}.txt`), wanted, () =>
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', wanted]),
  );
  return packages;
}

/** Installs packages of npm, once, and gives a `require` that finds them. They may not run scripts. */
export function installPackages(packages: readonly string[]): NodeJS.Require {
  const folder = cacheFolder('npm');
  once(join(folder, 'installed.txt'), packages.join('\n'), () => {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    writeFileSync(join(folder, '.npmrc'), 'onnxruntime-node-install=skip\n');
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...packages], folder);
  });
  return createRequire(join(folder, 'package.json'));
}

function once(stamp: string, wanted: string, install: () => void): void {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error(`Installing into ${cache} (once)…`);
  install();
  writeFileSync(stamp, wanted);
}

function run(command: string, args: readonly string[], cwd?: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error });
}

/** A script of bench/python that answers a line of JSON to each line of JSON. */
export class PythonPeer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  constructor(python: string, script: string, args: readonly string[]) {
    this.#process = spawn(python, [join(pythonFolder, script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async ask<Answer>(command: { do: string } & Record<string, unknown>): Promise<Answer> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`The peer in Python ended at ${JSON.stringify(command)}`);
    return JSON.parse(value) as Answer;
  }

  stop(): void {
    this.#process.stdin.end();
  }
}
