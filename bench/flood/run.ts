import { setTimeout as sleep } from 'node:timers/promises';
import { type Line, type Memory, startLine } from './line.ts';
import { fate, Readings } from './readings.ts';
import { flood, polite, returnOfAll, type Seen } from './senders.ts';

export interface FloodRun {
  readonly engine: 'embedded' | 'kafka';
  /**
   * `flood`: at `factor` times what the line labels, for `seconds`. `return`: every device with an hour of backlog. `polite`: 16 senders
   * with 1,000 readings a request, each of which waits for its response.
   */
  readonly kind: 'flood' | 'return' | 'polite';
  readonly seconds: number;
  readonly factor: number;
  readonly devices: number;
  /** Of `return`: readings that each device kept. */
  readonly perDevice: number;
  readonly connections: number;
  /** Readings sent first, to see how fast the line labels. */
  readonly trial: number;
}

export interface Sample {
  readonly atS: number;
  readonly memory: Memory;
  /** Readings not labelled yet, in thousands. */
  readonly backlog: number;
}

const batch = 100;
const politeSenders = { devices: 16, batch: 1_000, perDevice: 20_000 };
/** The memory that each process may use, in megabytes; docs/backpressure.md explains for what. Kafka is not part of Gapline, so it has no bound. */
export const boundsMb: Readonly<Record<string, number>> = { up: 700, collect: 400, classify: 500, archive: 400 };

const trialDevices = 20;
/** A line that takes longer to recover has stopped. */
const recoveryDeadlineMs = 900_000;

/** Starts a line, floods it and reports what happened. */
export async function runFlood(run: FloodRun) {
  const line = await startLine(run.engine);
  try {
    return await floodLine(line, run);
  } finally {
    await line.stop();
  }
}

async function floodLine(line: Line, run: FloodRun) {
  const trial = new Readings({ name: 'trial', devices: trialDevices, perDevice: run.trial / trialDevices, batch });
  const labelsPerSecond = await drainRate(line, trial);

  const perDevice =
    run.kind === 'return'
      ? run.perDevice
      : batch * Math.ceil((run.factor * labelsPerSecond * run.seconds) / run.devices / batch);
  const readings = new Readings({
    ...{ name: 'device', devices: run.devices, perDevice, batch },
    ...(run.kind === 'polite' && politeSenders),
  });
  const watch = startWatch(line);
  const began = performance.now();
  const seen = await sendAll(line.collectorUrl, run, readings, labelsPerSecond);
  const sendingS = (performance.now() - began) / 1_000;
  const backlog = await line.backlog();
  const drained = performance.now();
  await untilEmpty(line);
  const recoveredS = (performance.now() - drained) / 1_000;
  const samples = await watch.stop();
  const compared = await readings.compare(line.predictions());
  const peakMb = line.peak();
  return {
    ...reportOf(run, seen, readings),
    ...compared,
    labelsPerSecond: Math.round(labelsPerSecond),
    acceptedPerSecond: Math.round(seen.accepted / sendingS),
    sendingS: Math.round(sendingS),
    backlog,
    predictedRecoveryS: round(backlog / labelsPerSecond),
    recoveredS: round(recoveredS),
    totalS: round(sendingS + recoveredS),
    peakMb,
    overBound: Object.entries(peakMb)
      .filter(([name, peak]) => peak > (boundsMb[name] ?? Number.POSITIVE_INFINITY))
      .map(([name]) => name),
    alive: line.alive(),
    samples,
  };
}

function sendAll(url: string, run: FloodRun, readings: Readings, labelsPerSecond: number): Promise<Seen> {
  if (run.kind === 'polite') return polite({ url, readings });
  if (run.kind === 'return') return returnOfAll({ url, readings, retryMs: 1_000 });
  return flood({ ...run, url, readings, rate: run.factor * labelsPerSecond });
}

function reportOf({ engine, kind, factor }: FloodRun, seen: Seen, readings: Readings) {
  return {
    engine,
    kind,
    ...(kind === 'flood' && { factor }),
    statuses: seen.statuses,
    crowded: seen.crowded,
    accepted: seen.accepted,
    refused: readings.count(fate.refused),
    unknown: readings.count(fate.unknown),
    p50Ms: seen.latencyMs(0.5),
    p99Ms: seen.latencyMs(0.99),
  };
}

/** How many readings a second the line labels: while the backlog goes down, or, where it keeps up, while they come in. */
async function drainRate(line: Line, trial: Readings): Promise<number> {
  const began = performance.now();
  await returnOfAll({ url: line.collectorUrl, readings: trial, retryMs: 200 });
  const [sent, backlog] = [performance.now(), await line.backlog()];
  await untilEmpty(line);
  const [drainS, allS] = [(performance.now() - sent) / 1_000, (performance.now() - began) / 1_000];
  return Math.max((trial.devices * trial.perDevice) / allS, backlog / drainS);
}

async function untilEmpty(line: Line): Promise<void> {
  const end = performance.now() + recoveryDeadlineMs;
  for (let left = await line.backlog(); left > 0; left = await line.backlog()) {
    if (performance.now() > end) throw new Error(`${left} readings are still not labelled`);
    if (!line.alive()) throw new Error('a process of the line ended');
    await sleep(100);
  }
}

function startWatch(line: Line) {
  const samples: Sample[] = [];
  const began = performance.now();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const atS = (performance.now() - began) / 1_000;
      samples.push({ atS, memory: line.memory(), backlog: (await line.backlog()) / 1_000 });
      await sleep(500);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return samples;
    },
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
