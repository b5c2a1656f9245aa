import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedRandom } from '../../core/numeric/random/keyed-random.ts';
import type { Violation } from './check.ts';
import type { Fault } from './faults/fault.ts';
import type { Step } from './plan.ts';
import { partNames, type Stack } from './stack.ts';

export interface Struck {
  /** By name, how often each fault was done. */
  readonly counts: Readonly<Record<string, number>>;
  /** Those that did not go as they should. */
  readonly broken: readonly Violation[];
  readonly minutes: number;
}

/**
 * Does each fault at its time, or once the parts that it touches are as they were; begins no more once it is to stop. Resolves when all
 * are over and every part runs.
 */
export async function strikeAll(
  stack: Stack,
  steps: readonly Step[],
  faults: ReadonlyMap<string, Fault>,
  stopping: AbortSignal,
): Promise<Struck> {
  const counts: Record<string, number> = {};
  const broken: Violation[] = [];
  const beganMs = performance.now();
  const elapsed = (): number => (performance.now() - beganMs) / 1_000;
  const tell = (what: string): void => stack.tell(`${elapsed().toFixed(1).padStart(7)} s  ${what}`);
  const busy = new Map<string, Promise<void>>();
  const underWay: Promise<void>[] = [];

  async function strike(fault: Fault, seed: number): Promise<void> {
    const fromSeconds = elapsed();
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    tell(`${fault.name} …`);
    try {
      await fault.strike(stack, new KeyedRandom().at(seed, 0, 0));
      await lookAfter(stack, fault.touches);
    } catch (error) {
      const { message } = error as Error;
      tell(`${fault.name}: ${message}`);
      broken.push({
        promise: 'every part comes back after a fault',
        count: 1,
        examples: [`${fault.name}: ${message}`],
      });
    }
    tell(`${fault.name} is over after ${(elapsed() - fromSeconds).toFixed(1)} s`);
  }

  for (const { atSeconds, name, seed } of steps) {
    await sleep(Math.max(0, atSeconds - elapsed()) * 1_000, undefined, { signal: stopping }).catch(() => {});
    if (stopping.aborted) break;
    const fault = faults.get(name);
    if (fault === undefined) throw new Error(`there is no fault "${name}"`);
    const before = Promise.all(fault.touches.map((part) => busy.get(part)));
    const done = before.then(() => strike(fault, seed));
    for (const part of fault.touches) busy.set(part, done);
    underWay.push(done);
  }
  await Promise.all(underWay);
  await lookAfter(stack, partNames);
  return { counts, broken, minutes: elapsed() / 60 };
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
