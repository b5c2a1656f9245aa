import type { Stream } from '../core/wire/stream.ts';
import { PlainSamples } from './plain-samples.ts';
import { PlainValues } from './plain-values.ts';

/** Rows of fewer fields are read by `JSON.parse` alone, which is as fast. */
const plainFrom = 16;

/** What reads the records of a stream. */
export interface Readers {
  /** By name of a field. */
  readonly columns: ReadonlyMap<string, number>;
  readonly plain: PlainValues | undefined;
  readonly plainSamples: PlainSamples;
}

const known = new WeakMap<Stream, Readers>();

/** Those of a stream, once: for thousands of fields they are worth milliseconds. All batches share them, for each reads one record at a time. */
export function readersOf(stream: Stream): Readers {
  const found = known.get(stream) ?? createReaders(stream);
  known.set(stream, found);
  return found;
}

const createReaders = ({ fields }: Stream): Readers => ({
  columns: new Map(fields.map((name, column) => [name, column])),
  plain: fields.length < plainFrom ? undefined : new PlainValues(fields),
  plainSamples: new PlainSamples(fields),
});
