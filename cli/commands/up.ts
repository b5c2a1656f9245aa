import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { createAlerts } from '../../alerts/alerts.ts';
import { type Classifier, createClassifier } from '../../classifier/classifier.ts';
import { createArchive } from '../../collector/archive.ts';
import { createCollector } from '../../collector/collector.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { shellWord } from '../../core/wire/shell-word.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { createDashboard } from '../../dashboard/dashboard.ts';
import type { Generator } from '../../generator/generator.ts';
import { type ServerOptions, serverAccess } from '../access.ts';
import { openAlerts, readersOf } from '../alert-options.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { demandSteps } from '../configured-steps.ts';
import { versionDescriber } from '../describe-version.ts';
import { trainCommand } from '../how-to-run.ts';
import { createLogger } from '../logger.ts';
import { ModelChoice } from '../model-choice.ts';
import { openLog, openStore, topicSpecs } from '../open.ts';
import { print } from '../print.ts';
import { demandFreePort, explainListen, run, type Startable } from '../run.ts';
import { openServing } from '../serving-models.ts';
import { collectorOptions, openModels, resolveStream } from '../stream.ts';
import { summarise } from '../summary.ts';
import { openGenerator } from './generate.ts';

export interface UpOptions extends ServerOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly logLevel: string;
  readonly collectorPort: number;
  readonly pagePort: number;
  readonly generator: boolean;
  readonly ledger?: string;
  readonly labels?: number;
  readonly summary: 'json' | 'text';
}

/** Runs generator, collector, classifier, archive and live page in this process, on one SQLite file. */
export async function up(options: UpOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  await demandPorts(options);
  const logger = await createLogger(options.logLevel);
  const stage = (name: string) => logger.child({ stage: name });
  await demandModel(loaded);
  const stream = await resolveStream(loaded);
  await demandSteps(loaded, stream.fields);
  const { host, data: dataFolder } = options;

  const log = await openLog({ url: undefined, dataFolder, logger: stage('log'), compress: loaded.config.log.compress });
  const store = await openStore({ url: undefined, dataFolder, logger: stage('store'), ...loaded.config.store });
  const runtime: Startable = {
    async start() {
      await log.start();
      await log.ensureTopics(topicSpecs(stream, loaded.config));
    },
    stop: () => log.stop(),
  };
  const choice = new ModelChoice(loaded);
  const classifier = createClassifier({
    stream,
    log,
    ...openServing(loaded, choice),
    logger: stage('classifier'),
    registry: new Registry(),
  });
  const archive = createArchive({ stream, log, store, logger: stage('archive'), registry: new Registry() });
  // The collector's /metrics shows the alerts, too.
  const registry = new Registry();
  const alerts =
    stream.alerts &&
    createAlerts({ ...openAlerts(loaded), readers: readersOf(stream), stream, log, logger: stage('alerts'), registry });
  const ownToken = randomBytes(32).toString('base64url');
  const endpoint = serverAccess('the collector', options, stage('access'), ownToken);
  const collector = createCollector({
    stream,
    log,
    logger: stage('collector'),
    registry,
    host,
    port: options.collectorPort,
    ...collectorOptions(loaded),
    ...endpoint,
  });
  const devices = options.generator
    ? await openDevices(loaded, { ...options, logger: stage('generator'), stream, ownToken })
    : undefined;
  const dashboard = createDashboard({
    stream,
    log,
    logger: stage('dashboard'),
    host,
    port: options.pagePort,
    describeVersion: versionDescriber(() => choice.models),
    ...endpoint,
    ...(devices && {
      controls: { gapRate: loaded.config.generator.gaps.rate, setGapRate: devices.setGapRate, models: choice },
    }),
  });

  const parts = [
    runtime,
    store,
    classifier,
    archive,
    ...(alerts ? [alerts] : []),
    explained(dashboard, '--page-port'),
    explained(collector, '--collector-port'),
    ...(devices ? [devices.sendingTo(() => collector.url)] : []),
  ];
  await run({
    logger,
    parts,
    started() {
      print(`live page:  ${dashboard.url}\nreadings:   POST ${new URL('/readings', collector.url)}\n`);
      print(`access:     ${describeAccess(endpoint.access.open)}\n`);
    },
    ...(options.labels !== undefined && { until: () => labelled(classifier, options.labels ?? 0) }),
  });
  print(summarise(classifier.totals(), options.summary));
}

interface Devices {
  setGapRate(rate: number): void;
  /** The generator as a part of the line; it is made at the start, when the collector's address is known. */
  sendingTo(collectorUrl: () => string): Startable;
}

interface DevicesOptions {
  readonly logger: Logger;
  readonly data: string;
  readonly stream: Stream;
  readonly ledger?: string;
  readonly ownToken: string;
}

async function openDevices(
  loaded: LoadedConfig,
  { logger, data, stream, ledger, ownToken }: DevicesOptions,
): Promise<Devices> {
  const create = await openGenerator(loaded, {
    logger,
    dataFolder: data,
    fields: stream.fields,
    ledger,
    token: ownToken,
    ownEndpoint: true,
  });
  let generator: Generator | undefined;
  let wantedGapRate: number | undefined;
  const failure = Promise.withResolvers<never>();
  return {
    setGapRate(rate) {
      wantedGapRate = rate;
      generator?.setGapRate(rate);
    },
    sendingTo: (collectorUrl) => ({
      async start() {
        generator = create(collectorUrl());
        if (wantedGapRate !== undefined) generator.setGapRate(wantedGapRate);
        generator.failed.catch(failure.reject);
        await generator.start();
      },
      stop: async () => generator?.stop(),
      failed: failure.promise,
    }),
  };
}

const describeAccess = (open: boolean): string =>
  open ? 'from this machine only, without a token' : 'with a token; `gapline tokens list` shows whose there are';

async function demandPorts({ host, collectorPort, pagePort }: UpOptions): Promise<void> {
  if (collectorPort === pagePort && pagePort !== 0)
    throw new GaplineError('port-in-use', `--collector-port and --page-port are both ${pagePort}; choose two`);
  await demandFreePort(host, pagePort, '--page-port');
  await demandFreePort(host, collectorPort, '--collector-port');
}

/** Refuses to start a line that could label nothing, and reports how to get a model. */
async function demandModel(loaded: LoadedConfig): Promise<void> {
  const { alias, name = loaded.config.stream } = loaded.config.model;
  if ((await openModels(loaded).serving()) !== undefined) return;
  throw new GaplineError(
    'model-missing',
    `${loaded.file}: there is no ${alias} of model ${name}; run: ${trainCommand(shellWord(join(loaded.file)))}`,
  );
}

/** A stage whose error of listening names the option to change. */
function explained(stage: Startable, option: string): Startable {
  return {
    start: () =>
      stage.start().catch((error: unknown) => {
        throw explainListen(error, option);
      }),
    stop: () => stage.stop(),
    ...(stage.failed && { failed: stage.failed }),
  };
}

/** Resolves once so many labels are committed. */
async function labelled(classifier: Classifier, count: number): Promise<void> {
  while (classifier.totals().labels < count) await sleep(50, undefined, { ref: false });
}
