import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { versitygw } from '../servers/go-programs.ts';
import { influxdbSupply } from '../servers/influxdb.ts';
import { kafkaSupply } from '../servers/kafka.ts';
import { cacheFolder, obtain, type Report, run, type Supply } from '../servers/obtain.ts';
import { obtainPython, type PythonName } from '../servers/python.ts';
import { telegrafSupply } from '../servers/telegraf.ts';

// Gives the Docker engine every image that the compose files and the Dockerfile name: the official one where a registry of images
// answers, else a stand-in of the same name with the same outside contract, made from what `test/servers/` gets.

const here = import.meta.dirname;
const root = join(here, '..', '..');
const hostCertificates = '/etc/ssl/certs/ca-certificates.crt';
const recipeLabel = 'gapline.stand-in';

interface Image {
  readonly name: string;
  /** The folder here that holds its Dockerfile. */
  readonly folder: string;
  /** Of the profiles `spark` and `prefect`, whose test runs only where it is asked for. */
  readonly ofFlow?: true;
  /** Fills the build context with what is not in that folder. */
  fill(context: string, report: Report): Promise<void>;
}

const npmSupply: Supply = {
  title: 'npm 11',
  folder: 'npm-11',
  ways: [
    {
      title: 'by npm',
      make: (folder, logFile) =>
        run('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', 'npm@11'], { logFile }),
    },
  ],
};

/** Packages of this machine, which the Python of Debian 12 takes. */
async function packagesOf(name: PythonName, report: Report): Promise<string> {
  const packages = join(dirname(await obtainPython(name, report)), '../lib/python3.11/site-packages');
  if (!existsSync(packages))
    throw new Error(`${packages} is missing: the stand-ins need a Python 3.11 on this machine`);
  return packages;
}

async function copyPackages(name: PythonName, into: string, report: Report, ...without: string[]) {
  const left = new Set(['__pycache__', 'tests', 'pip', 'setuptools', ...without]);
  const filter = (from: string) => !left.has(basename(from));
  await cp(await packagesOf(name, report), into, { recursive: true, filter });
}

/** Spark as its archive has it, out of the package for Python, which holds all that a cluster runs. */
async function copySpark(into: string, report: Report) {
  const pyspark = join(await packagesOf('spark', report), 'pyspark');
  const whole = ['bin', 'sbin', 'jars', 'python'];
  for (const each of whole) await cp(join(pyspark, each), join(into, each), { recursive: true });
  const others = new Set([...whole, 'data', 'examples', 'licenses'].map((each) => join(pyspark, each)));
  const filter = (from: string) => !others.has(from) && !['tests', '__pycache__'].includes(basename(from));
  await cp(pyspark, join(into, 'python/pyspark'), { recursive: true, filter });
}

const images: readonly Image[] = [
  {
    name: 'apache/kafka:4.1.0',
    folder: 'kafka',
    fill: async (context, report) =>
      cp(join(await obtain(kafkaSupply, report), 'libs'), join(context, 'libs'), { recursive: true }),
  },
  {
    name: 'influxdb:2.7',
    folder: 'influxdb',
    fill: async (context, report) =>
      cp(join(await obtain(influxdbSupply, report), 'usr/bin/influxd'), join(context, 'influxd')),
  },
  {
    name: 'telegraf:1.37',
    folder: 'telegraf',
    async fill(context, report) {
      await cp(join(await obtain(telegrafSupply, report), 'usr/bin/telegraf'), join(context, 'telegraf'));
      await cp(hostCertificates, join(context, 'ca-certificates.crt'));
    },
  },
  {
    name: 'node:24-bookworm-slim',
    folder: 'node',
    async fill(context, report) {
      await cp(join(root, 'node_modules/node/bin/node'), join(context, 'node'));
      const npm = join(await obtain(npmSupply, report), 'node_modules/npm');
      await cp(npm, join(context, 'npm'), { recursive: true });
      await cp(hostCertificates, join(context, 'ca-certificates.crt'));
    },
  },
  { name: 'eclipse-mosquitto:2', folder: 'mosquitto', fill: async () => {} },
  { name: 'mariadb:10.11', folder: 'mariadb', fill: async () => {} },
  {
    name: 'ghcr.io/mlflow/mlflow:v3.7.0',
    folder: 'mlflow',
    fill: (context, report) => copyPackages('mlflow', join(context, 'site-packages'), report),
  },
  {
    name: 'apache/spark:4.3.0-scala2.13-java17-python3-ubuntu',
    folder: 'spark',
    ofFlow: true,
    fill: (context, report) => copySpark(join(context, 'spark'), report),
  },
  {
    name: 'prefecthq/prefect:3.9.1-python3.11',
    folder: 'prefect',
    ofFlow: true,
    fill: (context, report) => copyPackages('spark', join(context, 'site-packages'), report, 'pyspark', 'py4j'),
  },
  {
    name: 'versity/versitygw:v1.8.0',
    folder: 'versitygw',
    fill: async (context) => cp(await versitygw.obtain(), join(context, 'versitygw')),
  },
];

/** The engine's own builder: no further program is needed. */
const classicBuilder = { DOCKER_BUILDKIT: '0' };

const docker = async (...args: string[]): Promise<string> => (await promisify(execFile)('docker', args)).stdout.trim();

/** The recipe that a local image was made from; empty for an official one, undefined where there is none. */
const recipeOf = (image: string): Promise<string | undefined> =>
  docker('image', 'inspect', '-f', `{{index .Config.Labels "${recipeLabel}"}}`, image).catch(() => undefined);

const pulled = (image: string): Promise<boolean> =>
  docker('pull', '-q', image).then(
    () => true,
    () => false,
  );

/** Makes or renews one stand-in; quick where it was made from the same files before. */
async function standIn(image: Image, report: Report): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'gapline-image-'));
  try {
    await cp(join(here, image.folder), context, { recursive: true });
    await image.fill(context, report);
    const recipe = await digest(context, await docker('image', 'inspect', '-f', '{{.Id}}', 'debian:bookworm-slim'));
    if ((await recipeOf(image.name)) === recipe) return report(`${image.name}: stand-in, present`);
    const beganMs = Date.now();
    const network = ['--network', 'host'];
    await run('docker', ['build', ...network, '--label', `${recipeLabel}=${recipe}`, '-t', image.name, context], {
      logFile: join(cacheFolder(), `image-${image.folder}.log`),
      env: classicBuilder,
    });
    report(`${image.name}: stand-in made in ${Math.round((Date.now() - beganMs) / 1000)} s`);
  } finally {
    await rm(context, { recursive: true });
  }
}

/** Of a folder's names, modes and contents. */
async function digest(folder: string, seed: string): Promise<string> {
  const hash = createHash('sha256').update(seed);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(`${file.slice(folder.length)} ${(await stat(file)).mode}\n`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function debian(report: Report): Promise<void> {
  if ((await recipeOf('debian:bookworm-slim')) !== undefined) return;
  report('debian:bookworm-slim: making it from Debian packages…');
  const logFile = join(cacheFolder(), 'debian-image.log');
  await mkdir(cacheFolder(), { recursive: true });
  await run(join(here, 'debian/make.sh'), [], { logFile });
}

const report: Report = (line) => console.error(line);
const missing: Image[] = [];
const withFlow = process.env.GAPLINE_TEST_FLOW === '1';
for (const image of images.filter(({ ofFlow }) => withFlow || !ofFlow)) {
  const recipe = await recipeOf(image.name);
  const official = recipe === '' || (recipe === undefined && (await pulled(image.name)));
  if (official) report(`${image.name}: official`);
  else missing.push(image);
}
if (missing.length > 0) {
  if (!existsSync(hostCertificates)) throw new Error(`${hostCertificates} is missing: install ca-certificates`);
  await debian(report);
  // `build.ts base` goes no further: the part that needs none of the servers.
  if (!process.argv.includes('base')) for (const image of missing) await standIn(image, report);
}
