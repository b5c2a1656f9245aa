import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { download, obtain, obtained, type Report, run, type Supply } from './obtain.ts';
import { dataFolder, type ServerHandle, startServer } from './process.ts';

const version = '1.37.2';
/** Where the official archive has the program; a build puts it there too. */
const executable = 'usr/bin/telegraf';
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** What Gapline's configurations and tests use; a build has only these. */
const plugins = [
  ...[
    'cpu',
    'docker',
    'exec',
    'file',
    'http',
    'internal',
    'kafka_consumer',
    'mem',
    'mqtt_consumer',
    'prometheus',
    'tail',
  ].map((name) => `inputs.${name}`),
  ...['discard', 'file', 'health', 'influxdb_v2', 'sql'].map((name) => `outputs.${name}`),
  ...['influx', 'json', 'json_v2', 'prometheus', 'value'].map((name) => `parsers.${name}`),
  ...['converter', 'dedup', 'regex', 'rename', 'starlark', 'strings'].map((name) => `processors.${name}`),
  ...['influx', 'json'].map((name) => `serializers.${name}`),
];

/** Telegraf, as its makers pack it or built by Go with the plug-ins in use. */
export const telegrafSupply = telegrafWith(plugins);

/** The same with other plug-ins; one that its makers packed has all of them. */
export function telegrafWith(chosen: readonly string[]): Supply {
  return {
    title: `Telegraf ${version}`,
    folder: `telegraf-${version}-${createHash('sha256').update(chosen.join()).digest('hex').slice(0, 8)}`,
    ways: [
      download(`https://dl.influxdata.com/telegraf/releases/telegraf-${version}_linux_${arch}.tar.gz`, executable),
      { title: 'by Go (minutes)', make: (folder, logFile) => fromSource(chosen, folder, logFile) },
    ],
  };
}

const program = (folder: string): string => join(folder, executable);

/** The program, if it was got before. */
export const telegrafProgram = (): string | undefined => {
  const folder = obtained(telegrafSupply);
  return folder && program(folder);
};

async function fromSource(chosen: readonly string[], folder: string, logFile: string): Promise<void> {
  const target = join(folder, 'usr', 'bin');
  await mkdir(target, { recursive: true });
  const flags = ['-trimpath', '-tags', ['custom', ...chosen].join(), '-ldflags'];
  const strip = `-s -w -X github.com/influxdata/telegraf/internal.Version=${version}`;
  await run('go', ['install', ...flags, strip, `github.com/influxdata/telegraf/cmd/telegraf@v${version}`], {
    cwd: folder,
    logFile,
    env: { GOFLAGS: '-mod=mod', GOBIN: target, CGO_ENABLED: '0' },
  });
}

export interface TelegrafOptions {
  /** Default: the one with the plug-ins above. */
  readonly supply?: Supply;
  readonly configFiles: readonly string[];
  /** What the configuration asks for as `${NAME}`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly report?: Report;
}

/** A Telegraf agent with these configurations; ready when it has read them, wherever its servers are. Its `url` is empty: it has none. */
export async function startTelegraf(options: TelegrafOptions): Promise<ServerHandle> {
  const folder = await obtain(options.supply ?? telegrafSupply, options.report ?? (() => {}));
  return startServer({
    name: 'telegraf',
    url: '',
    command: program(folder),
    args: options.configFiles.flatMap((file) => ['--config', file]),
    env: options.env,
    data: await dataFolder('telegraf'),
    ready: (output) => output().includes('Loaded outputs'),
  });
}
