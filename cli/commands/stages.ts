import { Registry } from 'prom-client';
import type { EventLog } from '../../core/log/port.ts';
import type { Stage } from '../../core/stage/stage.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { type ServerOptions, serverAccess } from '../access.ts';
import { openAlerts, readersOf } from '../alert-options.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { demandSteps } from '../configured-steps.ts';
import { versionDescriber } from '../describe-version.ts';
import { createLogger } from '../logger.ts';
import { openLog, openStore, topicSpecs } from '../open.ts';
import { print } from '../print.ts';
import { createProbes } from '../probes.ts';
import { explainListen, run, type Startable } from '../run.ts';
import { openServing } from '../serving-models.ts';
import { openModels, resolveStream } from '../stream.ts';

export interface StageOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
  readonly host: string;
  readonly port: number;
}

/** A stage that others than probes come to. */
type FrontOptions = StageOptions & ServerOptions;

export interface StoreOptions extends StageOptions {
  readonly store?: string;
}

/** What a stage that runs alone stands on. */
export interface Runtime {
  readonly loaded: LoadedConfig;
  readonly stream: Stream;
  readonly logger: Awaited<ReturnType<typeof createLogger>>;
  readonly registry: Registry;
  readonly log: EventLog;
  /** Opens the log and makes the stream's topics. */
  readonly ready: Startable;
}

export async function prepare(stage: string, options: StageOptions): Promise<Runtime> {
  const loaded = loadConfig(options.config, options.set);
  const logger = (await createLogger(options.logLevel)).child({ stage });
  const stream = await resolveStream(loaded);
  const log = await openLog({
    ...{ url: options.log, dataFolder: options.data, logger },
    compress: loaded.config.log.compress,
  });
  let open = false;
  const ready: Startable = {
    async start() {
      if (!open) await log.start();
      open = true;
      await log.ensureTopics(topicSpecs(stream, loaded.config));
    },
    stop: () => log.stop(),
  };
  return { loaded, stream, logger, registry: new Registry(), log, ready };
}

const announce = (line: string): void => void print(`${line}\n`);

/** The probes of a stage: ready while the log answers. */
export function probesOf({ log, stream, registry, logger }: Runtime, { host, port }: StageOptions): Startable {
  return createProbes({
    host,
    port,
    registry,
    logger,
    ready: () => log.lag(`${stream.name}.probe`, [stream.topics.readings]),
    onListening: (url) => announce(`health and metrics: ${url}`),
  });
}

/** A stage with an endpoint of its own, whose error of listening names the option to change. */
export function withUrl(stage: Stage & { readonly url: string }, what: string): Startable {
  return {
    async start() {
      await stage.start().catch((error: unknown) => {
        throw explainListen(error, '--port');
      });
      announce(`${what}: ${stage.url}`);
    },
    stop: () => stage.stop(),
    failed: stage.failed,
  };
}

export async function archiveParts(runtime: Runtime, options: StoreOptions): Promise<Startable[]> {
  const { createArchive } = await import('../../collector/archive.ts');
  const { stream, log, logger, registry, loaded } = runtime;
  const { store: bounds } = loaded.config;
  const store = await openStore({ url: options.store, dataFolder: options.data, logger, ...bounds });
  return [store, createArchive({ stream, log, store, logger, registry })];
}

export async function archiveReadings(options: StoreOptions): Promise<void> {
  const runtime = await prepare('archive', options);
  await run({
    logger: runtime.logger,
    parts: [runtime.ready, ...(await archiveParts(runtime, options)), probesOf(runtime, options)],
  });
}

export async function classifyReadings(options: StageOptions): Promise<void> {
  const runtime = await prepare('classifier', options);
  const { stream, log, logger, registry, loaded } = runtime;
  await demandSteps(loaded, stream.fields);
  const { createClassifier } = await import('../../classifier/classifier.ts');
  const classifier = createClassifier({ stream, log, ...openServing(loaded), logger, registry });
  await run({ logger, parts: [runtime.ready, classifier, probesOf(runtime, options)] });
}

export async function serveDashboard(options: FrontOptions): Promise<void> {
  const runtime = await prepare('dashboard', options);
  const { stream, log, logger, registry, loaded } = runtime;
  const models = openModels(loaded);
  const { createDashboard } = await import('../../dashboard/dashboard.ts');
  const dashboard = createDashboard({
    ...{ stream, log, logger, registry, host: options.host, port: options.port },
    describeVersion: versionDescriber(() => models),
    ...serverAccess('the live page', options, logger),
  });
  await run({ logger, parts: [runtime.ready, withUrl(dashboard, 'live page')] });
}

export async function watchForAlerts(options: StageOptions): Promise<void> {
  const runtime = await prepare('alerts', options);
  const { stream, log, logger, registry, loaded } = runtime;
  const { createAlerts } = await import('../../alerts/alerts.ts');
  const alerts = createAlerts({ stream, log, logger, registry, readers: readersOf(stream), ...openAlerts(loaded) });
  await run({ logger, parts: [runtime.ready, alerts, probesOf(runtime, options)] });
}

/** Needs no log, but to answer for a device: where the stream takes facts, or a log is named. */
export async function serveModel(options: FrontOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const logger = (await createLogger(options.logLevel)).child({ stage: 'serving' });
  const { createServing } = await import('../../serving/serving.ts');
  const { host, port } = options;
  const followed = loaded.config.facts || options.log !== undefined ? await followDevices(options) : undefined;
  const serving = createServing({
    models: openModels(loaded),
    ...(followed && { devices: followed.devices }),
    logger,
    registry: new Registry(),
    host,
    port,
    ...serverAccess('the model server', options, logger),
  });
  await run({ logger, parts: [...(followed ? [followed.log] : []), withUrl(serving, 'model')] });
}

/** Only reads: the stages of the line make the topics. */
async function followDevices(options: StageOptions) {
  const { createDeviceStates } = await import('../../classifier/device-state/following.ts');
  const { stream, log, logger } = await prepare('serving', options);
  return { log, devices: createDeviceStates({ stream, log, logger }) };
}
