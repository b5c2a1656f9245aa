import { access } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import type { Source } from './source.ts';

/** What a module that simulates devices exports: the same seed makes the same devices. */
export type MakeSource = (options: { readonly seed: number }) => Source;

/**
 * Loads a simulator: a module whose default export makes a source. It is the user's own code and runs with all rights of this process.
 * @param options - `fields`: the values that the stream knows
 * @throws {GaplineError} `config-invalid` where the file is missing, fails to load, makes no source, or one with other values
 */
export async function loadSource(
  path: string,
  { seed, fields }: { seed: number; fields: readonly string[] },
): Promise<Source> {
  const refuse = (what: string, cause?: unknown) =>
    new GaplineError('config-invalid', `generator.simulate: ${path} ${what}`, cause === undefined ? {} : { cause });
  await access(path).catch((cause) => {
    throw refuse('cannot be read; paths are relative to stream.yaml', cause);
  });
  const module = (await import(pathToFileURL(path).href).catch((cause) => {
    throw refuse(`fails to load: ${describeError(cause)}`, cause);
  })) as { default?: unknown };
  if (typeof module.default !== 'function') throw refuse('has no default export that makes a source');
  const source = (module.default as MakeSource)({ seed });
  const unknown = source.fields.find((name) => !fields.includes(name));
  if (unknown !== undefined) throw refuse(`makes the value ${JSON.stringify(unknown)}, which the stream does not have`);
  return source;
}
