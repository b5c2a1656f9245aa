import { setTimeout as sleep } from 'node:timers/promises';
import { check, type Findings, type Violation } from './check.ts';
import { type Inquiry, inquire } from './evidence.ts';
import { catalogue } from './faults/catalogue.ts';
import type { Fault } from './faults/fault.ts';
import { metric } from './metrics.ts';
import { plan } from './plan.ts';
import { type Stack, startStack } from './stack.ts';
import { strikeAll } from './striking.ts';

export interface CampaignOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Readings a second. */
  readonly rate: number;
  /** Only faults whose name has one of these in it; all where there are none. */
  readonly only: readonly string[];
  /** Leaves the processes' logs where they are. */
  readonly keep: boolean;
  /** Ends the faults early; what was done until then is judged. */
  readonly stopping: AbortSignal;
  readonly tell: (line: string) => void;
}

/** What a campaign says in the end, on one line. */
export interface Outcome {
  readonly seed: number;
  /** How long faults went on. */
  readonly minutes: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly leftOut: readonly string[];
  readonly counts: Findings['counts'];
  /** How often a process had ended by itself and was started again, as a supervisor does. */
  readonly ownEnds: Readonly<Record<string, number>>;
  /** Transactional requests that were held. */
  readonly held: number;
  /** From the end of the last fault until everything that was acknowledged had arrived everywhere. */
  readonly settledSeconds: number;
  readonly violations: readonly Violation[];
}

/** The line runs undisturbed for so long before the first fault and after the last. */
const calmSeconds = 10;
const notServed: Violation = { promise: 'devices are served again once faults have stopped', count: 1, examples: [] };
/** How long the line may take to catch up once faults have stopped. */
const settleSeconds = 180;

/** Starts the line, lets go wrong what the seed says, and holds what arrived to what was acknowledged. */
export async function campaign(options: CampaignOptions): Promise<Outcome> {
  const { minutes, seed, rate, only, tell } = options;
  tell('starting Kafka, InfluxDB, Telegraf, collector, archive, classifier, devices');
  const stack = await startStack({ rate, keep: options.keep, tell });
  try {
    const wanted = ({ name }: Fault) => only.length === 0 || only.some((word) => name.includes(word));
    const cards = catalogue.filter(wanted);
    const faults = new Map(cards.map((fault) => [fault.name, fault]));
    const leftOut = cards.filter(({ possible }) => possible?.(stack) === false).map(({ name }) => name);
    for (const name of leftOut) tell(`left out, this machine cannot do it: ${name}`);
    const steps = plan({ cards, seconds: minutes * 60, seed }).filter(({ name }) => !leftOut.includes(name));
    for (const { atSeconds, name } of steps) tell(`plan: ${atSeconds.toFixed(1).padStart(7)} s  ${name}`);
    await sleep(calmSeconds * 1_000);
    const struck = await strikeAll(stack, steps, faults, options.stopping);
    const atMs = performance.now();
    tell('no more faults');
    const before = stack.witness.acknowledged.size;
    await sleep(calmSeconds * 1_000);
    const served = stack.witness.acknowledged.size - before;
    const { findings, settledAtMs } = await settle(stack);
    return {
      seed,
      minutes: Math.round(10 * struck.minutes) / 10,
      faults: struck.counts,
      leftOut,
      counts: findings.counts,
      ownEnds: Object.fromEntries(Object.values(stack.parts).map(({ name, ownEnds }) => [name, ownEnds])),
      held: stack.proxies.kafka.held,
      settledSeconds: Math.round((settledAtMs - atMs) / 100) / 10,
      violations: [...struck.broken, ...(served > 0 ? [] : [notServed]), ...findings.violations],
    };
  } finally {
    await stack.stop();
  }
}

/** Stops the devices, and looks until all is where it belongs, or for as long as that may take. */
async function settle(stack: Stack): Promise<{ findings: Findings; settledAtMs: number }> {
  const untilMs = performance.now() + settleSeconds * 1_000;
  const ended: Violation[] = stack.generator.alive
    ? []
    : [{ promise: 'the devices continue', count: 1, examples: [stack.generator.logFile] }];
  await stack.generator.end();
  const inquiry = await inquire(stack);
  try {
    for (;;) {
      const settledAtMs = performance.now();
      const late = settledAtMs > untilMs;
      if (late || (await caughtUp(stack, inquiry))) {
        const { counts, violations } = check(await inquiry.gather());
        if (late || violations.length === 0)
          return { findings: { counts, violations: [...ended, ...violations] }, settledAtMs };
      }
      await sleep(1_000);
    }
  } finally {
    await inquiry.stop();
  }
}

/** Whether spool, archive and classifier have nothing left to do; only Telegraf may have. */
async function caughtUp({ collectorUrl }: Stack, inquiry: Inquiry): Promise<boolean> {
  const waiting = await metric(collectorUrl, 'gapline_collector_spool_readings');
  return waiting === 0 && (await inquiry.lag().catch(() => 1)) === 0;
}
