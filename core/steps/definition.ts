import type { z } from 'zod';
import type { Shape, Step } from './port.ts';

/** A kind of step: what it is called, its parameters, and how it is made from them. */
export interface StepDefinition<Use extends string = string, Params extends z.ZodObject = z.ZodObject> {
  /** What `use:` calls it. */
  readonly use: Use;
  /** One line for the docs: what it does. */
  readonly summary: string;
  /** Its parameters, but for `use`. */
  readonly params: Params;
  /** @throws {StepProblem} where the parameters do not fit the rows that come */
  build(params: z.output<Params>, shape: Shape): Step;
}

/** Checks a definition's types; it is returned as it is. */
export function defineStep<Use extends string, Params extends z.ZodObject>(
  definition: StepDefinition<Use, Params>,
): StepDefinition<Use, Params> {
  return definition;
}
