import { resolve } from 'node:path';
import { Access } from '../../core/access/access.ts';
import { isLoopback } from '../../core/http/origin.ts';
import { readingFields } from '../../core/model/model.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { createGateway } from '../../gateway/gateway.ts';
import type { GatewayStream } from '../../gateway/stream.ts';
import type { Command, TrainRequest } from '../../gateway/tasks/training.ts';
import { checkEstimator } from '../../training/fit-estimator.ts';
import { trainingOptions } from '../../training/options.ts';
import { prepareDataset } from '../../training/prepare.ts';
import { tlsFiles, tokensFile } from '../access.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { print } from '../print.ts';
import { run } from '../run.ts';
import { openDataset, openModels } from '../stream.ts';
import { withUrl } from './stages.ts';

export interface GatewayCommandOptions {
  readonly config: readonly string[];
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly host: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Of the archive, for trainings from it. */
  readonly store?: string;
}

/** Users with roles who predict, train and update over HTTP. */
export async function runGateway(options: GatewayCommandOptions): Promise<void> {
  const { host, port, data: dataFolder } = options;
  const all = options.config.map((file) => loadConfig(file, options.set));
  const [first = loadConfig('stream.yaml', options.set)] = all;
  refuseSameNames(all);
  const logger = (await createLogger(options.logLevel)).child({ stage: 'gateway' });
  const tls = tlsFiles(options);
  if (!tls && !isLoopback(host))
    logger.warn(
      `passwords and tokens travel unencrypted on ${host}: use --tls-cert and --tls-key, or a proxy with TLS`,
    );
  const { GAPLINE_ADMIN_USER: name, GAPLINE_ADMIN_PASSWORD: password, GAPLINE_TOKEN: token } = process.env;
  const access = new Access({ file: tokensFile(dataFolder), ...(token && { token }), logger });
  access.start();
  const gateway = createGateway({
    streams: all.map(gatewayStream),
    trainingCommand: (task, request) => trainingCommand(loadedOf(all, task.stream), task.id, request, options),
    ...{ config: first.config.gateway, dataFolder, host, port, logger, access },
    ...(tls && { tls }),
    firstAdmin: { name: name || undefined, password: password || undefined },
    onFirstAdmin: (made) => print(`first administrator: ${made.name}, password ${made.password} (shown this once)\n`),
    print: (line) => print(`${line}\n`),
  });
  await run({ logger, parts: [withUrl(gateway, 'gateway')] });
}

function refuseSameNames(all: readonly LoadedConfig[]): void {
  const names = all.map(({ config }) => config.stream);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new GaplineError('config-invalid', `--config: two files define the stream ${twice}; leave one out`);
}

function loadedOf(all: readonly LoadedConfig[], stream: string): LoadedConfig {
  const found = all.find(({ config }) => config.stream === stream);
  if (found) return found;
  throw new GaplineError('config-invalid', `the stream ${stream} of the task is no longer among --config`);
}

function gatewayStream(loaded: LoadedConfig): GatewayStream {
  const { generator: url, serve } = loaded.config.gateway;
  const { stream, model } = loaded.config;
  const { train, replay } = loaded.config.data;
  const token = process.env.GAPLINE_TOKEN;
  return {
    name: stream,
    ...(serve !== undefined && { serve: { url: serve, model: model.name ?? stream, ...(token && { token }) } }),
    ...(url !== undefined && { generator: { url, ...(token && { token }) } }),
    models: openModels(loaded),
    testIsApart: replay !== undefined && replay !== train,
    async testRows(model) {
      const dataset = await openDataset(loaded, 'replay', readingFields(model));
      return model.steps ? prepareDataset(dataset, model.steps) : dataset;
    },
    checkTraining(hyperparameters) {
      const { config } = loadConfig(loaded.file, [...loaded.overrides, ...settings(hyperparameters)]);
      checkEstimator(trainingOptions(config.training));
    },
  };
}

/** As `--set` takes them. JSON is YAML. */
const settings = (hyperparameters: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(hyperparameters).map(([key, value]) => `training.${key}=${JSON.stringify(value)}`);

/** This program again, as the process of one training. */
function trainingCommand(
  { file, overrides }: LoadedConfig,
  task: string,
  { from, range, hyperparameters }: TrainRequest,
  { data, logLevel, store }: GatewayCommandOptions,
): Command {
  const [, script = ''] = process.argv;
  const sets = [...overrides, ...settings(hyperparameters)].flatMap((each) => ['--set', each]);
  const where = ['--data', data, ...(store === undefined ? [] : ['--store', store])];
  const options = ['--config', resolve(file), ...where, '--log-level', logLevel, '--task', task, '--from', from];
  return {
    program: process.execPath,
    // An equals sign: a range such as -7d would be taken for an option.
    args: [...process.execArgv, script, 'train-task', ...options, `--range=${range}`, ...sets],
  };
}
