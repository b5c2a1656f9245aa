import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { GaplineError } from '../../core/wire/errors.ts';
import { explainTime, readTime } from '../../core/wire/time.ts';
import { ControlledGenerator } from '../../generator/control.ts';
import { createControlEndpoint } from '../../generator/control-endpoint.ts';
import { createGenerator, type Generator, type GeneratorTotals } from '../../generator/generator.ts';
import { loadSource } from '../../generator/load-source.ts';
import { replay } from '../../generator/replay.ts';
import { replaySamples } from '../../generator/replay-samples.ts';
import type { Source } from '../../generator/source.ts';
import { serverAccess } from '../access.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { print } from '../print.ts';
import { Progress } from '../progress.ts';
import { run } from '../run.ts';
import { openDataset, resolveStream } from '../stream.ts';

export interface GenerateOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly to: string;
  readonly count?: number;
  readonly start?: string;
  readonly ledger?: string;
  readonly controlPort?: number;
  readonly host: string;
}

export interface OpenGeneratorOptions {
  readonly logger: Logger;
  readonly dataFolder: string;
  /** The values of a reading, in order. */
  readonly fields: readonly string[];
  readonly count?: number | undefined;
  /** RFC 3339, or nanoseconds since the epoch. */
  readonly start?: string | undefined;
  readonly ledger?: string | undefined;
  /** The token that the collector requires, if it requires one. */
  readonly token?: string | undefined;
  /** Whether this process is the collector, too: then it knows who answers without looking at a certificate. */
  readonly ownEndpoint?: boolean;
}

/** Reads the data set to replay; what it returns makes the generator that POSTs to a collector. */
export async function openGenerator(
  loaded: LoadedConfig,
  options: OpenGeneratorOptions,
): Promise<(url: string, rate?: number) => Generator> {
  const { logger, dataFolder, fields, count, start, ledger, token, ownEndpoint } = options;
  const { devices, simulate, samples, ...generator } = loaded.config.generator;
  const { seed } = generator;
  const tableSource = async (): Promise<Source> => {
    const dataset = await openDataset(loaded, 'replay', fields);
    return samples ? replaySamples(dataset) : replay({ dataset, devices, seed });
  };
  const source =
    simulate === undefined ? await tableSource() : await loadSource(resolve(loaded.folder, simulate), { seed, fields });
  const startNs = start === undefined ? undefined : startOf(start);
  return (url, rate = generator.rate) =>
    createGenerator({
      ...generator,
      rate,
      source,
      url,
      logger,
      ...(token && { token }),
      ...(ownEndpoint && { anyCertificate: true }),
      progressFile: join(dataFolder, `${loaded.config.stream}.generator.json`),
      ...(count !== undefined && { count }),
      ...(startNs !== undefined && { start: startNs }),
      ...(ledger !== undefined && { ledgerFile: ledger }),
    });
}

function startOf(text: string): string {
  const time = readTime(text, 'ns');
  if (time !== null) return time;
  throw new GaplineError('config-invalid', `--start ${text}: ${explainTime(text)}`);
}

/** Replays the data set of a stream against a collector until it ends or a signal comes. */
export async function generate(options: GenerateOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const logger = (await createLogger(options.logLevel)).child({ stage: 'generator' });
  const { fields } = await resolveStream(loaded);
  const { count, start, ledger } = options;
  const token = process.env.GAPLINE_TOKEN;
  const create = await openGenerator(loaded, { logger, dataFolder: options.data, fields, count, start, ledger, token });
  if (options.controlPort !== undefined)
    return await generateUnderControl(options, loaded.config.generator.rate, logger, (rate) =>
      create(options.to, rate),
    );
  const generator = create(options.to);
  const stopShowing = showProgress(generator);
  await run({ logger, parts: [generator], until: () => generator.finished }).finally(stopShowing);
  printTotals(generator.totals());
}

function printTotals({ accepted, retried, gaps, values }: GeneratorTotals): void {
  print(`${accepted} readings accepted with ${gaps} of ${values} values missing, ${retried} attempts retried\n`);
}

/** Runs until a signal: others start, stop and pace it over HTTP. */
async function generateUnderControl(
  { host, controlPort: port = 0, data }: GenerateOptions,
  rate: number,
  logger: Logger,
  create: (rate: number) => Generator,
): Promise<void> {
  const { access } = serverAccess('the control endpoint of the generator', { host, data }, logger);
  const generator = new ControlledGenerator({ create, rate });
  const onListening = (url: string): void => print(`control: ${url}/control\n`);
  const endpoint = createControlEndpoint({ generator, access, host, port, logger, onListening });
  await run({ logger, parts: [generator, endpoint] });
  printTotals(generator.totals());
}

const showEveryMs = 500;

/** Sent, accepted, retried and rate: a bar where the end is known, else the share of sent readings that were accepted. */
function showProgress(generator: Generator): () => void {
  const progress = new Progress();
  const startedMs = performance.now();
  const show = () => {
    const { sent, accepted, retried, before } = generator.totals();
    const rate = Math.round(accepted / Math.max((performance.now() - startedMs) / 1_000, 0.001));
    const share = Number.isFinite(generator.length)
      ? (before + accepted) / generator.length
      : accepted / Math.max(sent, 1);
    progress.show('readings', share, `sent ${sent}, accepted ${accepted}, retried ${retried}, ${rate}/s`);
  };
  const timer = setInterval(show, showEveryMs);
  return () => {
    clearInterval(timer);
    show();
    progress.end();
  };
}
