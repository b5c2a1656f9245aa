import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyedRandom } from '../../../core/numeric/random/keyed-random.ts';
import type { Card } from '../plan.ts';
import type { Stack } from '../stack.ts';

/** Something that goes wrong, and ends. */
export interface Fault extends Card {
  /** Whether this machine can do it; undefined: any can. */
  possible?(stack: Stack): boolean;
  /** Does it, and resolves when every part runs again and every proxy is calm. */
  strike(stack: Stack, random: KeyedRandom): Promise<void>;
}

export const seconds = (count: number): Promise<void> => sleep(count * 1_000);

/** A number from `least` to `most`. */
export const between = (random: KeyedRandom, least: number, most: number): number =>
  least + random.next() * (most - least);

export const oneOf = <T>(random: KeyedRandom, choices: readonly T[]): T =>
  choices[Math.floor(random.next() * choices.length)]!;
