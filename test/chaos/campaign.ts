import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../generator/random.ts';
import { check, type Findings, type Violation } from './check.ts';
import { type Inquiry, inquire } from './evidence.ts';
import { catalogue } from './faults/catalogue.ts';
import type { Fault } from './faults/fault.ts';
import { metric } from './metrics.ts';
import { plan, type Step } from './plan.ts';
import { type Stack, startStack } from './stack.ts';

export interface CampaignOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Readings a second. */
  readonly rate: number;
  /** Only faults whose name has one of these in it; all where there are none. */
  readonly only: readonly string[];
  /** Leaves the processes' logs where they are. */
  readonly keep: boolean;
  readonly tell: (line: string) => void;
}

/** What a campaign says in the end, on one line. */
export interface Outcome {
  readonly seed: number;
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
/** How long the line may take to catch up once faults have stopped. */
const settleSeconds = 180;

/** Starts the line, lets go wrong what the seed says, and holds what arrived to what was acknowledged. */
export async function campaign(options: CampaignOptions): Promise<Outcome> {
  const { minutes, seed, rate, only, tell } = options;
  tell('starting Kafka, InfluxDB, Telegraf, collector, archive, classifier, devices');
  const stack = await startStack({ rate, keep: options.keep, tell });
  try {
    const { faults, leftOut } = catalogue(stack);
    const cards = only.length === 0 ? faults : faults.filter(({ name }) => only.some((word) => name.includes(word)));
    const steps = plan({ cards, seconds: minutes * 60, seed });
    for (const { atSeconds, name } of steps) tell(`plan: ${atSeconds.toFixed(1).padStart(7)} s  ${name}`);
    await sleep(calmSeconds * 1_000);
    await strikeAll(stack, steps, new Map(cards.map((fault) => [fault.name, fault])));
    const atMs = performance.now();
    tell('no more faults');
    await sleep(calmSeconds * 1_000);
    const { findings, settledAtMs } = await settle(stack);
    return {
      seed,
      minutes,
      faults: countBy(steps),
      leftOut,
      counts: findings.counts,
      ownEnds: Object.fromEntries(Object.values(stack.parts).map(({ name, ownEnds }) => [name, ownEnds])),
      held: stack.doors.kafka.held,
      settledSeconds: Math.round((settledAtMs - atMs) / 100) / 10,
      violations: findings.violations,
    };
  } finally {
    await stack.stop();
  }
}

function countBy(steps: readonly Step[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name } of steps) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Each fault at its time, or once the parts that it touches are as they were. */
async function strikeAll(stack: Stack, steps: readonly Step[], faults: ReadonlyMap<string, Fault>): Promise<void> {
  const beganMs = performance.now();
  const elapsed = (): number => (performance.now() - beganMs) / 1_000;
  const busy = new Map<string, Promise<void>>();
  const underWay: Promise<void>[] = [];
  for (const step of steps) {
    const fault = faults.get(step.name)!;
    await sleep(Math.max(0, step.atSeconds - elapsed()) * 1_000);
    const before = Promise.all(fault.touches.map((part) => busy.get(part)));
    const done = before.then(async () => {
      const fromSeconds = elapsed();
      tellAt(stack, fromSeconds, `${step.name} …`);
      await fault.strike(stack, new Random().at(step.seed, 0, 0));
      await lookAfter(stack, fault);
      tellAt(stack, elapsed(), `${step.name} is over after ${(elapsed() - fromSeconds).toFixed(1)} s`);
    });
    for (const part of fault.touches)
      busy.set(
        part,
        done.catch(() => {}),
      );
    underWay.push(done);
    done.catch(() => {});
  }
  await Promise.all(underWay);
}

const tellAt = ({ tell }: Stack, seconds: number, what: string): void =>
  tell(`${seconds.toFixed(1).padStart(7)} s  ${what}`);

/** A supervisor's part: what has ended is started again. */
async function lookAfter({ parts, tell }: Stack, fault: Pick<Fault, 'touches'>): Promise<void> {
  for (const [name, part] of Object.entries(parts)) {
    if (!fault.touches.includes(name) || part.alive) continue;
    tell(`${name} had ended by itself`);
    part.ownEnds += 1;
    await part.bringBack();
  }
}

/** Stops the devices, and looks until all is where it belongs, or for as long as that may take. */
async function settle(stack: Stack): Promise<{ findings: Findings; settledAtMs: number }> {
  const untilMs = performance.now() + settleSeconds * 1_000;
  const ended: Violation[] = stack.generator.alive
    ? []
    : [{ promise: 'the devices go on', count: 1, examples: [stack.generator.logFile] }];
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
