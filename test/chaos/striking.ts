import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import type { Violation } from './check.ts';
import type { Fault } from './faults/fault.ts';
import type { Step } from './plan.ts';
import { partNames, type Stack } from './stack.ts';
import { within } from './within.ts';

export interface Struck {
  /** By name, how often each fault was done. */
  readonly counts: Readonly<Record<string, number>>;
  /** Those that did not go as they should. */
  readonly broken: readonly Violation[];
  readonly minutes: number;
}

/** How much longer than planned a fault may take: parts need time to come back, on a busy machine minutes. */
const overdueSeconds = 240;
/** The last fault begins so long before all have to be over. */
const leastSeconds = 90;
/** How long those that ended by themselves may take to come back, once all faults are over. */
const lookAfterSeconds = 60;

/**
 * Does each fault at its time, or once the parts that it touches are as they were; begins no more once it is to stop. Resolves when all
 * are over and every part runs, or with what took too long.
 * @param mostSeconds - how long it may take in all
 */
export async function strikeAll(
  stack: Stack,
  steps: readonly Step[],
  faults: ReadonlyMap<string, Fault>,
  stopping: AbortSignal,
  mostSeconds: number,
): Promise<Struck> {
  const counts: Record<string, number> = {};
  const broken: Violation[] = [];
  const beganMs = performance.now();
  const elapsed = (): number => (performance.now() - beganMs) / 1_000;
  const tell = (what: string): void => stack.tell(`${elapsed().toFixed(1).padStart(7)} s  ${what}`);
  const busy = new Map<string, Promise<void>>();
  const underWay: Promise<void>[] = [];
  const endsSeconds = mostSeconds - lookAfterSeconds;
  const report = (promise: string, example: string): void => {
    tell(example);
    broken.push({ promise, count: 1, examples: [example] });
  };

  async function strike(fault: Fault, seed: number): Promise<void> {
    const fromSeconds = elapsed();
    if (fromSeconds > endsSeconds - leastSeconds) {
      const why = `${fault.name}: others kept ${fault.touches.join(', ')} for too long`;
      return report('every fault has its turn', why);
    }
    const maxSeconds = Math.min(fault.seconds + overdueSeconds, endsSeconds - fromSeconds);
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    tell(`${fault.name} …`);
    try {
      const struck = fault.strike(stack, new KeyedRandom().at(seed, 0, 0)).then(() => lookAfter(stack, fault.touches));
      await within(maxSeconds, 'it to be over', struck);
    } catch (error) {
      report('every part comes back after a fault', `${fault.name}: ${(error as Error).message}`);
    }
    tell(`${fault.name} is over after ${(elapsed() - fromSeconds).toFixed(1)} s`);
  }

  for (const { atSeconds, name, seed } of steps) {
    const waitMs = (atSeconds - elapsed()) * 1_000;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: stopping }).catch(() => {});
    if (stopping.aborted) break;
    const fault = faults.get(name);
    if (fault === undefined) throw new Error(`there is no fault "${name}"`);
    const before = Promise.all(fault.touches.map((part) => busy.get(part)));
    const done = before.then(() => strike(fault, seed));
    for (const part of fault.touches) busy.set(part, done);
    underWay.push(done);
  }
  await Promise.all(underWay);
  await lookAfterAll(stack).catch((error: Error) => report('every part comes back after a fault', error.message));
  return { counts, broken, minutes: elapsed() / 60 };
}

async function lookAfterAll(stack: Stack): Promise<void> {
  const away = () => partNames.filter((name) => !stack.parts[name].alive).join(', ');
  await within(lookAfterSeconds, () => `${away()} to start`, lookAfter(stack, partNames));
}

/** A supervisor's part: what has ended is started again. */
async function lookAfter({ parts, tell }: Stack, touched: readonly string[]): Promise<void> {
  for (const name of partNames) {
    const part = parts[name];
    if (!touched.includes(name) || part.alive) continue;
    tell(`${name} had ended by itself`);
    part.ownEnds += 1;
    await part.bringBack();
  }
}
