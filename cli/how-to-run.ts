import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { complain } from './print.ts';

/** In a clone the sources run as they are; in the package they are JavaScript, and npm's starter is at hand. */
const inPackage = import.meta.filename.endsWith('.js');

/** What a person types to run a stream. */
export const upCommand = (config: string): string =>
  inPackage ? `npx gapline up --config ${config}` : `npm start -- --config ${config}`;

/** What a person types to train its model. */
export const trainCommand = (config: string): string =>
  inPackage ? `npx gapline train --config ${config}` : `npm run train -- --config ${config}`;

/** The stream of the example, which is there in a clone and in the package. Says so where somebody may have meant a stream of their own. */
export function exampleConfig(): string {
  if (existsSync('stream.yaml')) complain('the example runs; for the stream of this folder add --config stream.yaml\n');
  return join(import.meta.dirname, '../examples/spambase/stream.yaml');
}

/** Where a new stream goes: to the examples where somebody has them, else right here. */
export const folderOfNew = (name: string): string => (existsSync('examples') ? join('examples', name) : name);
