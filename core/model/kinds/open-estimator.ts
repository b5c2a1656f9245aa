import { z } from 'zod';
import * as all from './all.ts';
import type { Estimates, Estimator } from './estimator.ts';
import type { EstimatorContext, EstimatorKind } from './estimator-kind.ts';

type Kind = (typeof all)[keyof typeof all];

const nameOf = ({ schema }: Kind): string => schema.shape.kind.value;
// The order of a module's names differs between the ways to load it.
const kinds: readonly Kind[] = Object.values(all).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
const schemas = kinds.map(({ schema }) => schema) as [Kind['schema'], ...Kind['schema'][]];

/** An estimator as it stands in `model.json`. */
export const estimatorSchema = z.discriminatedUnion('kind', schemas);
export type EstimatorPart = z.output<typeof estimatorSchema>;

/** What is called on a kind that is known by its name only; the schema made sure that both belong together. */
type AnyKind = EstimatorKind<z.ZodType<EstimatorPart>>;
const byName = new Map(kinds.map((kind) => [nameOf(kind), kind as unknown as AnyKind]));

/** Opens the estimator of a model. */
export async function openEstimator(estimator: EstimatorPart, context: EstimatorContext): Promise<Estimator> {
  const kind = byName.get(estimator.kind);
  if (!kind) throw new TypeError(`There is no kind of estimator ${estimator.kind}`);
  const opened = await kind.open(estimator, context);
  return {
    predict(values, count) {
      const estimates = opened.predict(values, count);
      return estimates instanceof Promise ? estimates.then(clamped) : clamped(estimates);
    },
    close: () => opened.close(),
  };
}

/** Means and quotients of floats may be a hair above one. */
function clamped(estimates: Estimates): Estimates {
  const { probabilities } = estimates;
  for (let at = 0; at < probabilities.length; at++) {
    const probability = probabilities[at];
    if (probability !== undefined && probability > 1 && probability < 1 + 1e-6) probabilities[at] = 1;
  }
  return estimates;
}
