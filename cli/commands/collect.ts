import { type ChildProcess, fork } from 'node:child_process';
import type { Collector, CollectorOptions } from '../../collector/collector.ts';
import { linkToPrimary, type WorkerLink } from '../../collector/workers/link.ts';
import { systemSharesPorts } from '../../core/http/shared-port.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { type ServerOptions, serverAccess } from '../access.ts';
import { after, inBackground } from '../background.ts';
import { leftoverFactSpools, leftoverSpools, spoolFile } from '../open.ts';
import { explainListen, run, type Startable } from '../run.ts';
import { collectorOptions } from '../stream.ts';
import { chooseWorkerCount } from '../worker-count.ts';
import { archiveParts, prepare, type Runtime, type StoreOptions, withUrl } from './stages.ts';

export interface CollectOptions extends StoreOptions, ServerOptions {
  readonly archive: boolean;
  readonly workers: number | 'auto';
  /** `SLOT/COUNT` in the process of a worker. */
  readonly worker?: string;
}

/** The collector in this process; or in several, where more than one worker is wanted. */
export async function collectReadings(options: CollectOptions): Promise<void> {
  if (options.worker !== undefined) return collectAsWorker(options, options.worker);
  const count = chooseWorkerCount(options.workers, options.log);
  if (count > 1 && !systemSharesPorts)
    throw new GaplineError(
      'config-invalid',
      `--workers ${count}: processes can share a port on Linux only; leave it out`,
    );
  const runtime = await prepare('collector', options);
  const collector =
    count === 1 ? await createOne(options, runtime, { slot: 1, count }) : await createSeveral(options, runtime, count);
  // Devices are served from the first moment on: while there is no log, by the spool.
  const ready = inBackground(runtime.ready, runtime.logger);
  const archive = options.archive ? await archiveParts(runtime, options) : [];
  const parts = [ready, withUrl(collector, 'collector'), ...archive.map((part) => after(ready, part))];
  await run({ logger: runtime.logger, parts });
}

interface Place {
  /** Counted from 1. */
  readonly slot: number;
  readonly count: number;
}

async function createOne(
  options: CollectOptions,
  { stream, log, logger, registry, loaded }: Runtime,
  { slot, count }: Place,
  more: Partial<CollectorOptions> = {},
): Promise<Collector> {
  const { createCollector } = await import('../../collector/collector.ts');
  const file = spoolFile(options.data, stream, slot);
  return createCollector({
    stream,
    log,
    logger,
    registry,
    host: options.host,
    port: options.port,
    ...collectorOptions(loaded),
    ...serverAccess('the collector', options, logger),
    ...shareOf(count),
    spool: {
      file,
      maxBytes: spoolBytes / count,
      leftovers: slot === 1 ? leftoverSpools(options.data, stream, count) : [],
      leftoverFacts: leftoverFactSpools(options.data, stream),
      journaled: loaded.config.collector.acknowledge === 'disk',
    },
    ...more,
  });
}

const spoolBytes = 1_000_000_000;
const waitingBytes = 64_000_000;
/** Half of it is for bodies, and one body may have 10 MB. */
const leastWaitingBytes = 32_000_000;
const connections = 10_000;

/** What one of so many workers may hold, so that together they hold what one collector may. */
const shareOf = (count: number) => ({
  maxWaitingBytes: Math.max(leastWaitingBytes, waitingBytes / count),
  maxConnections: Math.ceil(connections / count),
});

async function createSeveral(options: CollectOptions, runtime: Runtime, count: number): Promise<Collector> {
  const { createWorkers } = await import('../../collector/workers/workers.ts');
  const { stream, log, logger, registry } = runtime;
  // Checked here too, so that a mistake is reported once and before anything starts.
  serverAccess('the collector', options, logger);
  const { host, port } = options;
  return createWorkers({
    stream,
    log,
    logger,
    registry,
    count,
    host,
    port,
    spool: {
      file: spoolFile(options.data, stream),
      maxBytes: spoolBytes,
      leftoverFacts: leftoverFactSpools(options.data, stream),
    },
    start: (slot, at) => startWorker({ slot, count }, at),
  });
}

/** The same command, as one worker of several. Of an option that stands twice the command line would complain. */
function startWorker({ slot, count }: Place, port: number): ChildProcess {
  const [, script = '', ...args] = process.argv;
  return fork(script, [...withoutPort(args), '--port', String(port), '--worker', `${slot}/${count}`]);
}

function withoutPort(args: readonly string[]): string[] {
  return args.filter((arg, index) => arg !== '--port' && args[index - 1] !== '--port' && !arg.startsWith('--port='));
}

async function collectAsWorker(options: CollectOptions, worker: string): Promise<void> {
  const [slot = 1, count = 1] = worker.split('/').map(Number);
  // Without the primary process nobody would end this one, and its port and spool are wanted by the next. What it acknowledged is durable.
  const link = linkToPrimary(process, () => process.exit(1));
  try {
    const runtime = await prepare('collector', options);
    const logger = runtime.logger.child({ worker: slot });
    const collector = await createOne(options, { ...runtime, logger }, { slot, count }, { link, joinsPort: true });
    const ready = inBackground(runtime.ready, logger);
    await run({ logger, parts: [ready, announced(collector, link)], until: () => link.stopped });
  } catch (error) {
    // The primary process reports it, once for all.
    await link.failed(error);
    process.exitCode = 1;
  }
  link.close();
}

/** A worker tells the primary process when it listens. */
function announced(collector: Collector, link: WorkerLink): Startable {
  return {
    async start() {
      await collector.start().catch((error: unknown) => {
        throw explainListen(error, '--port');
      });
      link.listening(collector.url);
    },
    stop: () => collector.stop(),
    failed: collector.failed,
  };
}
