import { z } from 'zod';
import { aggregate } from './aggregate/aggregate.ts';
import type { StepDefinition } from './definition.ts';
import { type FactStepDefinition, factDefinitions } from './facts/definitions.ts';
import { lags } from './features/lags.ts';
import { series } from './features/series.ts';
import { spectrum } from './features/spectrum.ts';
import { statistics } from './features/statistics.ts';
import { filter } from './filter/filter.ts';
import { smooth } from './filter/smooth.ts';
import { pivot } from './pivot/pivot.ts';
import { resample } from './resample/resample.ts';
import { window } from './window/window.ts';

/** Every step there is. A new one is a line here; the schema, the docs and the suite of properties follow. */
export const definitions = [
  resample,
  filter,
  smooth,
  pivot,
  aggregate,
  window,
  statistics,
  spectrum,
  lags,
  series,
] as const;

/** All steps of Gapline's own: those that make rows, and those that decide by facts. */
export const allDefinitions = [...definitions, ...factDefinitions] as const;

type Definitions = (typeof allDefinitions)[number];
type OptionOf<Definition> =
  Definition extends FactStepDefinition<infer Use, infer Params>
    ? z.ZodObject<Params['shape'] & { use: z.ZodLiteral<Use> }, z.core.$strict>
    : never;

const options = allDefinitions.map((definition: FactStepDefinition) =>
  z.strictObject({
    use: z.literal(definition.use).describe(definition.summary),
    ...definition.params.shape,
  }),
) as unknown as readonly [OptionOf<Definitions>, ...OptionOf<Definitions>[]];

/** A step of Gapline's own in `stream.yaml`. */
export const builtInSchema = z.discriminatedUnion('use', options);

/** A step of one's own: a file, whose further keys its own schema checks. */
export const ownStepSchema = z
  .looseObject({
    // Else an error of a built-in step would be told as one of its name.
    use: z.string().regex(/^\.{1,2}\/.+\.(ts|mts|js|mjs)$/, { error: 'the path of a module: ./step.ts', abort: true }),
  })
  .describe('a step of your own: the path of a module, relative to stream.yaml');

const names = allDefinitions.map(({ use }) => use);

/** The `steps` of `stream.yaml`, in order. */
export const stepsSchema = z
  .array(z.union([builtInSchema, ownStepSchema], `expected \`use\` with one of ${names.join(', ')}, or ./step.ts`))
  .max(32)
  .describe('what is done with readings before the imputer, in order; none: each reading is a row');

export type StepSpec = z.input<typeof builtInSchema> | ({ readonly use: string } & Record<string, unknown>);

/** The keys of a step of Gapline's own; none where there is no such step. */
export function keysOfStep(use: unknown): string[] {
  const shape = options.find((option) => option.shape.use.value === use)?.shape;
  return Object.keys(shape ?? {});
}

/** The definition that `use` names among Gapline's own. */
export function definitionOf(use: string): StepDefinition | undefined {
  return (definitions as readonly StepDefinition[]).find((definition) => definition.use === use);
}
