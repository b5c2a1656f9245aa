import { isDeepStrictEqual } from 'node:util';
import type { Model } from '../core/model/model.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { describeModel } from './stream-model.ts';

/** What to say of a version whose steps are not those of the configuration; undefined where they are, or none is known. */
export function describeOtherSteps(
  { identity, steps }: Pick<Model, 'identity' | 'steps'>,
  configured: readonly StepSpec[] | undefined,
): string | undefined {
  if (configured === undefined || isDeepStrictEqual(plain(steps?.specs ?? []), plain(configured))) return undefined;
  return `${describeModel(identity)} works with the steps that it was trained with${steps ? '' : ' (none)'}, not with \`steps\` of the configuration, which differ: they count once \`gapline train\` made a version and \`gapline models promote\` made it serve`;
}

/** As JSON has it: what was left out and what is undefined are the same. */
const plain = (specs: readonly StepSpec[]): unknown => JSON.parse(JSON.stringify(specs));
