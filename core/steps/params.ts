import { z } from 'zod';
import type { Shape } from './port.ts';

/** The channels that a step works on: those that are named, else all. */
export const channels = () =>
  z.array(z.string().min(1)).min(1).max(1_000).optional().describe('the channels that it works on; default: all');

/** Samples a second. */
export const rate = () => z.number().min(0.000_001).max(1_000_000);

/** What is wrong with the parameters of a step, given the rows that it gets. */
export class StepProblem extends Error {
  override readonly name = 'StepProblem';
}

/** A step names a channel that the rows do not have. */
export class UnknownChannel extends StepProblem {}

/** The columns of the channels that are named, in their order. @throws {StepProblem} for one that is not there */
export function columnsOf(known: readonly string[], named: readonly string[] | undefined): number[] {
  if (!named) return known.map((_, column) => column);
  return named.map((name) => {
    const column = known.indexOf(name);
    if (column < 0)
      throw new UnknownChannel(`channels: there is no channel ${JSON.stringify(name)}; there are ${listed(known)}`);
    return column;
  });
}

/** The rate of the rows: the one that the step names, else that of the steps before it. @throws {StepProblem} where neither is known */
export function rateOf(shape: Shape, named: number | undefined): number {
  const known = named ?? shape.rate;
  if (known === undefined) throw new StepProblem('rate: it is missing; set it, or put a resample step before this one');
  return known;
}

export function demandSamples(shape: Shape): void {
  if (shape.windows) throw new StepProblem('it works on samples, so it goes before the window');
}

export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}
