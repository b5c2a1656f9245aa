import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientName } from '../../core/log/kafka/address.ts';
import { check, type Findings, type Violation } from './check.ts';
import { type Inquiry, inquire } from './evidence.ts';
import { catalogueFor } from './faults/catalogue.ts';
import type { Fault } from './faults/fault.ts';
import type { Acknowledge, Line } from './line.ts';
import { metric } from './metrics.ts';
import { plan } from './plan.ts';
import { type Stack, startStack } from './stack.ts';
import { type StreamChoice, streamsOf } from './streams.ts';
import { strikeAll } from './striking.ts';
import { within } from './within.ts';

export interface CampaignOptions {
  readonly minutes: number;
  readonly seed: number;
  /** What the line carries: readings that are labelled one by one, windows of samples, readings gated by facts, or several beside each other. */
  readonly stream: StreamChoice;
  /** By which Gapline's processes consume from Kafka and commit. */
  readonly client: ClientName;
  /** Brokers: one, or three that each hold every topic. */
  readonly brokers: 1 | 3;
  /** Readings a second. */
  readonly rate: number;
  /** Processes of the collector that take readings; beyond one, single ones are killed and stopped too. */
  readonly workers: number;
  /** When the collector answers. */
  readonly acknowledge: Acknowledge;
  /** Whether topics are deleted, grow and hold unreadable records, and all of Kafka is lost. */
  readonly topics: boolean;
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
  readonly client: ClientName;
  readonly workers: number;
  readonly acknowledge: Acknowledge;
  readonly brokers: number;
  /** How long faults went on. */
  readonly minutes: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly leftOut: readonly string[];
  /** By stream. */
  readonly counts: Readonly<Record<string, Findings['counts']>>;
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
/** How long devices may wait until they are served again: they pause between attempts, and the machine may be busy. */
const servedSeconds = 90;
/** How long the line may take to catch up once faults have stopped, and what is then looked at. */
const settleSeconds = 180;
/** How long a look at the lag may take. */
const lagSeconds = 30;
/** What start, late faults, catching up and the looks may take together beyond the faults' own time, on a busy machine. */
const graceSeconds = 600;
/** What the last look may take. */
const leastLookSeconds = 90;
/** Of the grace, what is left for what comes after the faults. */
const afterSeconds = 210;

/** Starts the line, lets go wrong what the seed says, and holds what arrived to what was acknowledged. */
export async function campaign(options: CampaignOptions): Promise<Outcome> {
  const { minutes, seed, client, brokers, rate, workers, acknowledge, only, keep, tell } = options;
  const endMs = performance.now() + (minutes * 60 + graceSeconds) * 1_000;
  tell('starting Kafka, InfluxDB, Telegraf, collector, archive, classifier, devices');
  const streams = streamsOf(options.stream);
  const stack = await startStack({ streams, client, brokers, rate, workers, acknowledge, seed, keep, tell });
  try {
    const wanted = ({ name }: Fault) => only.length === 0 || only.some((word) => name.includes(word));
    const cards = catalogueFor(options).filter(wanted);
    const faults = new Map(cards.map((fault) => [fault.name, fault]));
    const leftOut = cards.filter(({ possible }) => possible?.(stack) === false).map(({ name }) => name);
    for (const name of leftOut) tell(`left out, this machine cannot do it: ${name}`);
    const steps = plan({ cards, seconds: minutes * 60, seed }).filter(({ name }) => !leftOut.includes(name));
    for (const { atSeconds, name } of steps) tell(`plan: ${atSeconds.toFixed(1).padStart(7)} s  ${name}`);
    await sleep(calmSeconds * 1_000);
    const struck = await strikeAll(stack, steps, faults, options.stopping, left(endMs) - afterSeconds);
    const atMs = performance.now();
    tell('no more faults');
    // One that failed may have left them as they were.
    for (const proxy of Object.values(stack.proxies)) proxy.calm();
    const notServed = await unserved(stack);
    const { counts, violations, settledAtMs } = await settle(stack, endMs);
    return {
      ...{ seed, client, brokers, workers, acknowledge },
      minutes: Math.round(10 * struck.minutes) / 10,
      faults: struck.counts,
      leftOut,
      counts,
      ownEnds: Object.fromEntries(Object.values(stack.parts).map(({ name, ownEnds }) => [name, ownEnds])),
      held: stack.proxies.kafka.held,
      settledSeconds: Math.round((settledAtMs - atMs) / 100) / 10,
      violations: [...struck.broken, ...notServed, ...violations],
    };
  } finally {
    await stack.stop();
  }
}

/** Seconds until then. */
const left = (endMs: number): number => (endMs - performance.now()) / 1_000;

const acknowledged = ({ witness }: Line): number => witness.acknowledged.size;

/** Waits, not for ever, until something of every line is acknowledged again. */
async function unserved({ lines }: Stack): Promise<Violation[]> {
  const before = lines.map(acknowledged);
  const untilMs = performance.now() + servedSeconds * 1_000;
  await sleep(calmSeconds * 1_000);
  for (;;) {
    const missing = lines.filter((line, index) => acknowledged(line) <= (before[index] ?? 0));
    if (missing.length === 0) return [];
    if (performance.now() > untilMs) {
      const examples = missing.map(({ case: { stream } }) => `waited ${servedSeconds} s for ${stream}`);
      return [{ promise: 'devices are served again once faults have stopped', count: missing.length, examples }];
    }
    await sleep(1_000);
  }
}

interface Settled extends Pick<Outcome, 'counts' | 'violations'> {
  readonly settledAtMs: number;
}

/** Stops the devices, and looks until all is where it belongs, or for as long as that may take: then it says what was waited for. */
async function settle(stack: Stack, endMs: number): Promise<Settled> {
  const early = [...devicesEnded(stack), ...(await endDevices(stack, left(endMs) - leastLookSeconds))];
  const beganMs = performance.now();
  try {
    const inquiry = await within(left(endMs), 'log and store, beside the proxies', inquire(stack));
    try {
      const settled = await look(stack, inquiry, endMs);
      return { ...settled, violations: [...early, ...settled.violations] };
    } finally {
      await inquiry.stop();
    }
  } catch (error) {
    const late = { promise: 'what arrived can be looked at', count: 1, examples: [(error as Error).message] };
    return { counts: {}, violations: [...early, late], settledAtMs: beganMs };
  }
}

async function look(stack: Stack, inquiry: Inquiry, endMs: number): Promise<Settled> {
  const untilMs = Math.min(performance.now() + settleSeconds * 1_000, endMs - leastLookSeconds * 1_000);
  for (;;) {
    const settledAtMs = performance.now();
    const isLate = settledAtMs > untilMs;
    const behind = await notCaughtUp(stack, inquiry);
    if (isLate || behind === '') {
      const { counts, violations } = await judge(stack, inquiry, endMs);
      if (violations.length === 0) return { counts, violations, settledAtMs };
      if (isLate) return { counts, violations: [...violations, ...waitedFor(behind)], settledAtMs };
    }
    await sleep(1_000);
  }
}

const waitedFor = (behind: string): Violation[] =>
  behind === '' ? [] : [{ promise: 'the line catches up once faults have stopped', count: 1, examples: [behind] }];

const devicesEnded = ({ lines }: Stack): Violation[] =>
  lines.flatMap(({ generator: { alive, logFile } }) =>
    alive ? [] : [{ promise: 'the devices continue', count: 1, examples: [logFile] }],
  );

async function endDevices({ lines }: Stack, mostSeconds: number): Promise<Violation[]> {
  const ends = lines.flatMap(({ generator, clerk }) => [generator.end(), ...(clerk ? [clerk.stop()] : [])]);
  try {
    await within(mostSeconds, 'the last facts to be accepted, and for the devices to end', Promise.all(ends));
    return [];
  } catch (error) {
    return [
      { promise: 'devices are served again once faults have stopped', count: 1, examples: [(error as Error).message] },
    ];
  }
}

/** Checks each stream. */
async function judge(
  { lines }: Stack,
  inquiry: Inquiry,
  endMs: number,
): Promise<Pick<Outcome, 'counts' | 'violations'>> {
  const counts: Record<string, Findings['counts']> = {};
  const violations: Violation[] = [];
  for (const line of lines) {
    const { stream } = line.case;
    const what = `all that log and store hold of ${stream} to be read`;
    const findings = check(await within(left(endMs), what, inquiry.gather(line)));
    counts[stream] = findings.counts;
    violations.push(...findings.violations.map((each) => ({ ...each, promise: `${stream}: ${each.promise}` })));
  }
  return { counts, violations };
}

/** What spools, journals, archives and classifiers have left to do; empty where that is nothing. Telegraf may have something. */
async function notCaughtUp({ lines }: Stack, inquiry: Inquiry): Promise<string> {
  const spooled = await Promise.all(
    lines.flatMap(({ collectorUrl }) =>
      ['spool', 'journal'].map((part) => metric(collectorUrl, `gapline_collector_${part}_readings`)),
    ),
  );
  if (spooled.some((readings) => readings !== 0)) {
    return `the spools and journals hold ${spooled.map((readings) => readings ?? 'an unknown number of').join(', ')} readings`;
  }
  const behind = await within(lagSeconds, 'the lag of the groups', inquiry.lag()).catch(
    ({ message }: Error) => message,
  );
  return behind === 0 ? '' : `archives and classifiers are behind: ${behind}`;
}
