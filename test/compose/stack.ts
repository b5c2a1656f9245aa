import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { createInfluxStore } from '../../core/store/influxdb.ts';
import type { Point } from '../../core/wire/point.ts';
import { freePort } from '../servers/process.ts';

const root = join(import.meta.dirname, '..', '..');

type Port = 'influxdb' | 'collector' | 'page' | 'gateway' | 'mlflow' | 'prefect' | 'spark';

/** The compose files as a stack of its own: other project names, network, ports and volumes than a person's. */
export interface Stack {
  /** A copy of `examples/` that the containers see instead. */
  readonly examples: string;
  readonly ports: Readonly<Record<Port, number>>;
  /** `docker compose` on the first file, then on the second; both give what it printed. */
  kafka(...args: string[]): Promise<string>;
  line(...args: string[]): Promise<string>;
  /** The same on `docker-compose.mlops.yml`. */
  mlops(...args: string[]): Promise<string>;
  /** What Docker knows of a service of that file. */
  inspect(service: string): Promise<Inspected>;
  /** Another stream, as `STREAM=examples/NAME` in `.env` would choose, with other lines of that file. */
  choose(stream: string, more?: Readonly<Record<string, string>>): Promise<void>;
  /** Kafka's address for a program on this machine. */
  readonly log: string;
  /** The ids of the containers of a service of the second file, running or not. */
  containers(service: string): Promise<string[]>;
  /** Rows of a Flux query on InfluxDB, as objects of strings. */
  query(flux: string): Promise<Record<string, string>[]>;
  /** Writes points into the archive. */
  archive(points: readonly Point[]): Promise<void>;
  /** A GET of InfluxDB's API. */
  influxdb<T>(path: string): Promise<T>;
  /** Takes all down with their volumes. */
  remove(): Promise<void>;
}

interface Inspected {
  readonly Config: { readonly User: string };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly CapDrop: string[] };
}

export const bucket = 'gapline';
const token = 'gapline-token';
const network = 'gapline-test-kafka';

/** What `docker-compose.mlops.yml` has no defaults of. */
export const secrets = {
  GAPLINE_TOKEN: 'gapline-access',
  GAPLINE_INFLUXDB_TOKEN: token,
  GAPLINE_S3_SECRET_KEY: 'a secret of the test',
};

/** Whether a Docker engine with Compose answers. */
export const dockerAnswers = (): Promise<boolean> =>
  promisify(execFile)('docker', ['compose', 'version'])
    .then(() => promisify(execFile)('docker', ['info']))
    .then(
      () => true,
      () => false,
    );

/** @param generator - arguments to add to the generator's command */
export async function createStack(generator: string): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-compose-'));
  const examples = join(folder, 'examples');
  await cp(join(root, 'examples'), examples, { recursive: true });
  const ports = {
    ...{ influxdb: await freePort(), collector: await freePort(), page: await freePort() },
    ...{ gateway: await freePort(), mlflow: await freePort(), prefect: await freePort(), spark: await freePort() },
  };
  const kafkaPort = await freePort();
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    GAPLINE_NETWORK: network,
    GAPLINE_USER: '0:0',
    STREAM: undefined,
    KAFKA_PORT: String(kafkaPort),
    INFLUXDB_PORT: String(ports.influxdb),
    COLLECTOR_PORT: String(ports.collector),
    PAGE_PORT: String(ports.page),
    MQTT_PORT: String(await freePort()),
    SQL_PORT: String(await freePort()),
    GATEWAY_PORT: String(ports.gateway),
    MLFLOW_PORT: String(ports.mlflow),
    S3_PORT: String(await freePort()),
    PREFECT_PORT: String(ports.prefect),
    SPARK_PORT: String(ports.spark),
  };
  // What a person's `.env` would say; the environment has no STREAM, which would win.
  const envFile = join(folder, '.env');
  const choose: Stack['choose'] = (stream, more = {}) => {
    const lines = Object.entries({ STREAM: stream, ...more }).map(([name, value]) => `${name}=${value}\n`);
    return writeFile(envFile, lines.join(''));
  };
  await choose('examples/spambase');
  const override = join(folder, 'override.yml');
  await writeFile(override, stringify({ services: overrides(examples, generator) }));
  const mlopsOverride = join(folder, 'mlops-override.yml');
  await writeFile(mlopsOverride, stringify({ services: mlopsOverrides(examples) }));

  async function compose(args: readonly string[]): Promise<string> {
    const options = { cwd: root, env: environment, maxBuffer: 64e6 };
    const { stdout, stderr } = await promisify(execFile)('docker', ['compose', ...args], options);
    return stdout + stderr;
  }
  const kafka = (...args: string[]) => compose(['-p', 'gapline-test-kafka', '-f', 'docker-compose.kafka.yml', ...args]);
  const files = ['--env-file', envFile, '-f', 'docker-compose.yml', '-f', override];
  const line = (...args: string[]) => compose(['-p', 'gapline-test', ...files, ...args]);
  const mlopsFiles = ['--env-file', envFile, '-f', 'docker-compose.mlops.yml', '-f', mlopsOverride];
  const mlops = (...args: string[]) => compose(['-p', 'gapline-test-mlops', ...mlopsFiles, ...args]);

  async function influxdb(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Token ${token}`, ...(init.headers as Record<string, string>) };
    const answer = await fetch(`http://127.0.0.1:${ports.influxdb}${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  return {
    examples,
    ports,
    kafka,
    line,
    mlops,
    async inspect(service) {
      const id = (await mlops('--profile', '*', 'ps', '-q', service)).trim();
      const { stdout } = await promisify(execFile)('docker', ['inspect', id]);
      return (JSON.parse(stdout) as [Inspected])[0];
    },
    choose,
    log: `kafka://127.0.0.1:${kafkaPort}`,
    containers: async (service) => (await line('ps', '-aq', '--no-trunc', service)).trim().split('\n').filter(Boolean),
    async query(flux) {
      const headers = { 'content-type': 'application/vnd.flux' };
      return rows(await (await influxdb('/api/v2/query?org=gapline', { method: 'POST', headers, body: flux })).text());
    },
    async archive(points) {
      const url = `http://127.0.0.1:${ports.influxdb}`;
      const store = createInfluxStore({ url, org: 'gapline', bucket, token, logger: pino({ level: 'silent' }) });
      await store.start();
      const rejected = await store.write(points).finally(() => store.stop());
      if (rejected.length > 0) throw new Error(`the archive rejected ${rejected.length} points`);
    },
    influxdb: async <T>(path: string) => (await influxdb(path)).json() as Promise<T>,
    async remove() {
      // Whatever the test did: without its secrets the file is not read.
      await choose('examples/spambase', secrets);
      await mlops('--profile', '*', 'down', '-v', '--timeout', '5');
      await line('--profile', '*', 'down', '-v', '--timeout', '5');
      await kafka('down', '-v', '--timeout', '5');
      await rm(folder, { recursive: true });
    },
  };
}

/** Starts a killed service of the third file, and nothing else: `start` would also repeat what it depends on. */
export const start = (stack: Stack, service: string) => stack.mlops('up', '-d', '--no-deps', '--wait', service);

/** The examples of the test instead of the repository's, and a generator with more arguments. */
function overrides(examples: string, generator: string): object {
  const mounted = (mode: string) => ({ volumes: [`${examples}:/app/examples:${mode}`] });
  const stages = ['telegraf-config', 'import-dashboard', 'collector', 'classifier', 'alerts', 'dashboard'];
  return {
    ...Object.fromEntries(stages.map((stage) => [stage, mounted('ro')])),
    train: mounted('rw'),
    generator: {
      ...mounted('ro'),
      command: `generate --config \${STREAM}/stream.yaml --to http://collector:8080 --data /data ${generator}`,
    },
  };
}

const mlopsOverrides = (examples: string): object =>
  Object.fromEntries(
    ['first-model', 'serve', 'gateway', 'export', 'flow'].map((name) => [
      name,
      { volumes: [`${examples}:/app/examples:ro`] },
    ]),
  );

/** InfluxDB's annotated CSV without annotations, of values that hold no commas. */
function rows(csv: string): Record<string, string>[] {
  return csv
    .trim()
    .split(/\r?\n\r?\n/)
    .flatMap((table) => {
      const [header, ...lines] = table.split(/\r?\n/).map((line) => line.split(','));
      return lines.map((cells) => Object.fromEntries(header!.map((name, index) => [name, cells[index] ?? ''])));
    });
}
