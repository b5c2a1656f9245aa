import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { OwnSteps } from './chain.ts';
import type { StepDefinition } from './definition.ts';
import type { StepSpec } from './registry.ts';

/** Whether `use` names a file of one's own and not a step of Gapline. */
export const isOwnStep = (use: string): boolean => use.startsWith('./') || use.startsWith('../');

/**
 * Loads the steps of one's own that a `stream.yaml` names: `- use: ./step.ts`. The module's default export is what `defineStep` gives.
 * It is the user's own code and runs with all rights of this process.
 * @param folder what the paths are relative to: the folder of `stream.yaml`
 * @throws {GaplineError} `config-invalid`, naming the file, where it is missing, fails to load or is no step
 */
export async function loadOwnSteps(specs: readonly StepSpec[], folder: string): Promise<OwnSteps> {
  const own = new Map<string, StepDefinition>();
  for (const [index, { use }] of specs.entries())
    if (isOwnStep(use) && !own.has(use)) own.set(use, await loadStep(resolve(folder, use), `steps.${index}.use`));
  return own;
}

async function loadStep(path: string, where: string): Promise<StepDefinition> {
  const refuse = (what: string, cause?: unknown) =>
    new GaplineError('config-invalid', `${where}: ${path} ${what}`, cause === undefined ? {} : { cause });
  const code = await readFile(path).catch((cause) => {
    throw refuse('cannot be read; paths are relative to stream.yaml', cause);
  });
  const module: unknown = await import(pathToFileURL(path).href).catch((cause) => {
    throw refuse(`fails to load: ${describeError(cause)}`, cause);
  });
  const { default: definition } = module as { default?: unknown };
  if (!isDefinition(definition))
    throw refuse('exports no step; its default export is `defineStep({ use, summary, params, build })`');
  // Node loads a module once: an edited file is another one only in the next process.
  if (!hashes.has(definition)) hashes.set(definition, createHash('sha256').update(code).digest('hex'));
  return definition;
}

const hashes = new WeakMap<StepDefinition, string>();

/**
 * The SHA-256 of the file that a step of one's own was loaded from, without the modules that it imports; undefined for a step of Gapline.
 * A state belongs to the code that saved it.
 */
export const codeHashOf = (definition: StepDefinition): string | undefined => hashes.get(definition);

function isDefinition(value: unknown): value is StepDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { params, build } = value as Partial<StepDefinition>;
  return params instanceof z.ZodObject && typeof build === 'function';
}
