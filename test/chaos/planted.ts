import { Buffer } from 'node:buffer';

/** What begins the key of a record that the campaign put into a topic itself, past the collector. */
const mark = 'planted-';

/** Bytes that Kafka takes, and whose dead letter, written out, Kafka would not take. */
const contents: readonly { readonly what: string; readonly value: () => string; readonly longKey?: boolean }[] = [
  { what: 'control characters', value: () => '\u0001'.repeat(200_000) },
  { what: 'a number of 900,000 digits', value: () => '1'.repeat(900_000) },
  { what: 'a key of 500,000 characters', value: () => 'no reading', longKey: true },
];

export interface Planted {
  readonly identity: string;
  readonly what: string;
  readonly key: string;
  readonly value: Buffer;
}

/** The records of the `round`th time. */
export const plantedRecords = (round: number): Planted[] =>
  contents.map(({ what, value, longKey = false }, index) => {
    const identity = `${mark}${round}-${index}`;
    return { identity, what, key: `${identity} ${'k'.repeat(longKey ? 500_000 : 0)}`, value: Buffer.from(value()) };
  });

/** The identity of a planted record, or of its dead letter, by its key; undefined for every other record. */
export const plantedIdentity = (key: string | null): string | undefined =>
  key?.startsWith(mark) ? key.slice(0, key.indexOf(' ')) : undefined;
