import { z } from 'zod';
import { nanosecondsOf, span } from '../../wire/duration.ts';
import { listed, StepProblem } from '../params.ts';
import type { HeldBounds } from './held.ts';
import type { FactNeed, FactNeeds } from './needs.ts';
import { FactSession } from './session.ts';

/** A step that decides by facts. It stands behind all steps that make rows of readings. */
export interface FactStepDefinition<Use extends string = string, Params extends z.ZodObject = z.ZodObject> {
  readonly use: Use;
  readonly summary: string;
  readonly params: Params;
}

const define = <Use extends string, Params extends z.ZodObject>(definition: FactStepDefinition<Use, Params>) =>
  definition;

const kindOf = (what: string) => z.string().min(1).max(256).describe(what);
const lateness = () =>
  span().describe(
    'how long a row waits for its fact, in event time of its device: so much later, and it is skipped as `no-fact`',
  );

export const gate = define({
  use: 'gate',
  summary: 'labels a row only where a fact of its device holds at its time',
  params: z.strictObject({ during: kindOf('the kind of fact'), lateness: lateness() }),
});

export const join = define({
  use: 'join',
  summary: 'adds values of the fact that holds at the time of the row',
  params: z.strictObject({
    fact: kindOf('the kind of fact'),
    values: z
      .array(z.string().min(1))
      .min(1)
      .max(1_000)
      .describe('the names of its values: the columns that are added'),
    required: z
      .boolean()
      .default(true)
      .describe('whether a row waits for the fact; else it is labelled at once, with gaps where there is none yet'),
    lateness: lateness().optional(),
  }),
});

export const factDefinitions = [gate, join] as const;

/** The fact steps of a chain. */
export interface FactPlan extends FactNeeds {
  open(bounds?: HeldBounds): FactSession;
}

interface Spec {
  readonly use: string;
  readonly [parameter: string]: unknown;
}

export const isFactStep = ({ use }: Spec): boolean => factDefinitions.some((definition) => definition.use === use);

/**
 * Makes the plan of fact steps.
 * @param channels - the columns of the rows that come
 * @throws {StepProblem}
 */
export function planFacts(specs: readonly Spec[], channels: readonly string[]): FactPlan {
  const needs = specs.map(needOf);
  const added = needs.flatMap(({ values }) => values);
  const twice = added.find((name, at) => channels.includes(name) || added.indexOf(name) !== at);
  if (twice !== undefined) throw new StepProblem(`values: the column ${JSON.stringify(twice)} is there already`);
  const plan = { needs, width: channels.length, added };
  return { ...plan, open: (bounds) => new FactSession(plan, bounds) };
}

function needOf(spec: Spec): FactNeed {
  const { use, ...given } = spec;
  if (use === 'gate') {
    const { during, lateness: late } = gate.params.parse(given);
    return { kind: during, values: [], isRequired: true, latenessNs: nanosecondsOf(late) };
  }
  const { fact, values, required, lateness: late } = join.params.parse(given);
  if (required && late === undefined)
    throw new StepProblem(`lateness: it is missing; how long may a row wait for its fact ${listed([fact])}?`);
  return { kind: fact, values, isRequired: required, latenessNs: late === undefined ? 0 : nanosecondsOf(late) };
}
