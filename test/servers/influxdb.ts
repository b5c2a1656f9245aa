import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { download, obtain, type Report, run, type Supply } from './obtain.ts';
import { dataFolder, freePort, type ServerHandle, startServer } from './process.ts';

const version = '2.7.12';
/** Where the official archive has the program; a build puts it there too. */
const executable = 'usr/bin/influxd';
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** influxd, as its makers pack it or built from its source by Go and Cargo; a built one has no web pages inside. */
export const influxdbSupply: Supply = {
  title: `InfluxDB ${version}`,
  folder: `influxdb-${version}`,
  ways: [
    download(
      `https://dl.influxdata.com/influxdb/releases/v${version}/influxdb2-${version}_linux_${arch}.tar.gz`,
      executable,
    ),
    { title: 'by Go and Cargo (minutes)', make: fromSource },
  ],
};

const program = (folder: string): string => join(folder, executable);

async function fromSource(folder: string, logFile: string): Promise<void> {
  const source = join(folder, 'source');
  const tools = join(source, 'bin');
  await mkdir(tools, { recursive: true });
  // Flux, written in Rust, warns where newer compilers forbid.
  await writeFile(join(tools, 'rustc-lenient'), '#!/bin/sh\nexec "$@" --cap-lints allow\n');
  await chmod(join(tools, 'rustc-lenient'), 0o755);
  const env = {
    GOFLAGS: '-mod=mod',
    GOBIN: tools,
    PKG_CONFIG: join(tools, 'pkg-config'),
    RUSTC_WRAPPER: join(tools, 'rustc-lenient'),
    ...(await installedRust()),
  };
  const go = (...args: string[]) => run('go', args, { cwd: source, logFile, env });
  const module = 'github.com/influxdata/influxdb/v2';
  const forked = 'github.com/influxdata/nats-streaming-server@v0.11.3-0.20201112040610-c277f7560803';
  await go('mod', 'init', 'gapline/influxd');
  // A replacement of InfluxDB's own go.mod, which does not reach those who require it.
  await go(
    'mod',
    'edit',
    `-require=${module}@v${version}`,
    `-replace=github.com/nats-io/nats-streaming-server@v0.11.2=${forked}`,
  );
  await go('install', 'github.com/influxdata/pkg-config@latest');
  await go('get', `${module}/cmd/influxd@v${version}`);
  const flags = ['-tags', 'sqlite_foreign_keys,sqlite_json', '-ldflags', `-s -w -X main.version=v${version}`];
  await mkdir(dirname(program(folder)), { recursive: true });
  await go('build', ...flags, '-o', program(folder), `${module}/cmd/influxd`);
  await rm(source, { recursive: true });
}

/** Flux asks rustup for an old compiler; the installed one does. */
async function installedRust(): Promise<Record<string, string>> {
  const active = await promisify(execFile)('rustup', ['show', 'active-toolchain']).catch(() => undefined);
  return active ? { RUSTUP_TOOLCHAIN: active.stdout.trim().split(' ', 1)[0]! } : {};
}

export interface InfluxdbOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** Kept after `stop()`, and taken up again if it holds data; `token` must then be the one of its set-up. Default: a temporary one. */
  readonly dataFolder?: string;
  /** Default `gapline`. */
  readonly org?: string;
  /** Default `gapline`. */
  readonly bucket?: string;
  /** The operator's token, which may do everything. Default `gapline-token`. */
  readonly token?: string;
  /** More arguments of influxd. */
  readonly args?: readonly string[];
  readonly report?: Report;
}

export interface Influxdb extends ServerHandle {
  readonly port: number;
  readonly org: string;
  readonly bucket: string;
  readonly token: string;
}

/** An InfluxDB 2 that is set up with a user `admin`, an organisation, a bucket (kept for ever) and a token. */
export async function startInfluxdb(options: InfluxdbOptions = {}): Promise<Influxdb> {
  const { org = 'gapline', bucket = 'gapline', token = 'gapline-token' } = options;
  const folder = await obtain(influxdbSupply, options.report ?? (() => {}));
  const data = await dataFolder('influxdb', options.dataFolder);
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const at = (name: string) => join(data.path, name);
  const server = await startServer({
    name: 'influxdb',
    url,
    command: program(folder),
    args: [
      `--http-bind-address=127.0.0.1:${port}`,
      `--bolt-path=${at('influxd.bolt')}`,
      `--sqlite-path=${at('influxd.sqlite')}`,
      `--engine-path=${at('engine')}`,
      '--reporting-disabled',
      ...(options.args ?? []),
    ],
    data,
    ready: () => healthy(url),
  });
  await setUp(url, { username: 'admin', password: 'gapline-password', org, bucket, token }).catch(async (error) => {
    await server.stop();
    throw error;
  });
  return Object.assign(server, { port, org, bucket, token });
}

async function healthy(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

/** The first set-up of an empty InfluxDB; does nothing to one that was set up before. */
async function setUp(url: string, body: Readonly<Record<string, string>>): Promise<void> {
  const question = await fetch(`${url}/api/v2/setup`);
  const { allowed } = (await question.json()) as { allowed: boolean };
  if (!allowed) return;
  const answer = await fetch(`${url}/api/v2/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201)
    throw new Error(`InfluxDB refused its set-up with ${answer.status}: ${await answer.text()}`);
  await answer.body?.cancel();
}
