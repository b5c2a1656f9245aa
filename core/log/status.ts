import type { Logger } from 'pino';
import { sleep } from '../retry/sleep.ts';
import { describeError } from '../wire/errors.ts';
import { type Status, statusEveryMs } from '../wire/status.ts';
import type { EventLog } from './port.ts';

/** How long a report may take: the next one is newer. */
const appendMs = 2_000;
/** How long the last one is waited for when the stage stops. */
const lastMs = 500;

export interface StatusReport {
  readonly log: EventLog;
  readonly topic: string;
  /** Default 2 s. */
  readonly everyMs?: number;
  readonly logger: Logger;
  readonly snapshot: () => Status | Promise<Status>;
}

/** Appends a stage's status at once and then periodically. An error is logged, once until it is over, and never thrown. */
export function reportStatus({ log, topic, everyMs = statusEveryMs, logger, snapshot }: StatusReport): {
  stop(): Promise<void>;
} {
  let failing = false;

  async function report(): Promise<void> {
    try {
      const status = await snapshot();
      const record = { key: status.instance, value: Buffer.from(JSON.stringify(status)) };
      await log.append(topic, [record], { deadlineMs: appendMs });
      failing = false;
    } catch (error) {
      if (!failing) logger.warn({ topic }, `The status could not be reported: ${describeError(error)}`);
      failing = true;
    }
  }

  // One at a time: a slow log makes reports rarer and never queues them.
  let underWay: Promise<void> | undefined;
  const tick = () => {
    underWay ??= report().finally(() => {
      underWay = undefined;
    });
  };
  tick();
  const timer = setInterval(tick, everyMs);
  timer.unref();

  return {
    async stop() {
      clearInterval(timer);
      // A log that does not answer keeps nobody from stopping.
      await Promise.race([underWay, sleep(lastMs, { ref: false })]);
    },
  };
}
