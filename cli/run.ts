import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { checkFree } from '../core/http/shared-port.ts';
import { describeError, GaplineError } from '../core/wire/errors.ts';

/** What is started in order and stopped in reverse. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly failed?: Promise<never>;
}

export interface RunOptions {
  readonly logger: Logger;
  /** In the order of the line: each may rest on those before it. They are stopped in reverse, so that what feeds the line goes first. */
  readonly parts: readonly Startable[];
  /** Called once all parts have started. */
  readonly started?: () => void | Promise<void>;
  /** Ends the run when it resolves. Default: only a signal does. */
  readonly until?: () => Promise<unknown>;
}

/**
 * V8 begins to mark its heap once there is less room up to its limit than the young generation has. A heap of some 40 MB never has as
 * much, so under load it was marked nine times a second (docs/decisions/0167-syncs-and-garbage.md). With this it begins when four fifths
 * of the room are used; the limit stays what it was.
 */
const markLater = '--incremental-marking-hard-trigger=80';

/** A shutdown that takes longer is cut off with exit code 1. */
const shutdownDeadlineMs = 9_500;

/**
 * Starts the parts, waits for SIGINT, SIGTERM, `until` or a part that fails, then stops all of them.
 * @throws what a part failed with, after everything is stopped.
 */
export async function run({ logger, parts, started, until }: RunOptions): Promise<void> {
  setFlagsFromString(markLater);
  const signal = awaitSignal(logger);
  const running: Startable[] = [];
  try {
    for (const part of parts) {
      running.push(part);
      await Promise.race([part.start(), signal.received]);
      if (signal.seen()) return;
    }
    await started?.();
    const failures = parts.flatMap((part) => (part.failed ? [part.failed] : []));
    await Promise.race([signal.received, ...failures, ...(until ? [until()] : [])]);
  } finally {
    await stopAll(running.toReversed(), logger);
    signal.dispose();
  }
}

async function stopAll(order: readonly Startable[], logger: Logger): Promise<void> {
  const deadline = setTimeout(() => {
    logger.error(
      `shutdown took longer than ${shutdownDeadlineMs / 1_000} s; what was acknowledged is kept and continues at the next start`,
    );
    process.exit(1);
  }, shutdownDeadlineMs);
  for (const part of order) {
    await part
      .stop()
      .catch((error: unknown) => logger.error({ err: error }, `stopping failed: ${describeError(error)}`));
  }
  clearTimeout(deadline);
}

function awaitSignal(logger: Logger) {
  let seen = false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const listen = (name: NodeJS.Signals) => {
    if (seen) process.exit(130);
    seen = true;
    logger.info(`${name}: finishing what is in hand`);
    resolve();
  };
  process.on('SIGINT', listen).on('SIGTERM', listen);
  return {
    received: promise,
    seen: () => seen,
    dispose: () => process.off('SIGINT', listen).off('SIGTERM', listen),
  };
}

/**
 * Looks whether a port is free before anything starts, so that nothing is made, and nobody waits, for a line that cannot run.
 * @throws {GaplineError} `port-in-use`, with the option that chooses another
 */
export async function demandFreePort(host: string, port: number, option: string): Promise<void> {
  if (port === 0) return;
  await checkFree({ host, port }).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? `${host}:${port} is in use`
        : `cannot listen on ${host}:${port} (${describeError(error)})`;
    throw new GaplineError('port-in-use', `${why}; choose another with ${option} PORT`);
  });
}

/** For the error of a port that somebody else listens on: the same, with the option that chooses another. */
export function explainListen(error: unknown, option: string): unknown {
  const cause = error instanceof GaplineError ? error.cause : error;
  const { code, address, port } = (cause ?? {}) as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code !== 'EADDRINUSE') return error;
  return new GaplineError('port-in-use', `${address}:${port} is in use; choose another with ${option} PORT`);
}
