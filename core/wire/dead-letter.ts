import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { firstIssue } from './issue.ts';

/** What could never be processed, as it came, with the reason and where it came from. */
export const deadLetterSchema = z
  .strictObject({
    stage: z.string().describe('the stage that gave up'),
    topic: z.string(),
    partition: z.int().min(0),
    offset: z.string().regex(/^\d+$/).describe('the offset in that partition, as a decimal string'),
    key: z.string().nullable(),
    value: z.string().describe('the record as it came: text, or base64 where it is not UTF-8'),
    encoding: z.enum(['utf8', 'base64']),
    reason: z.string(),
    at: z.string().describe('when the stage gave up: RFC 3339'),
  })
  .meta({ title: 'DeadLetter' });

export type DeadLetter = z.infer<typeof deadLetterSchema>;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The dead letter that a record holds, or, on one line, why it holds none. */
export function decodeDeadLetter(value: Uint8Array): DeadLetter | string {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(value));
  } catch {
    return 'it is not JSON in UTF-8';
  }
  const { success, data, error } = deadLetterSchema.safeParse(json);
  if (success) return data;
  return firstIssue(error);
}

/** Where a record came from and what it was, as the log holds it. */
export interface DeadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: Uint8Array;
}

/** The dead letter of a record, as the log carries it. */
export function encodeDeadLetter(stage: string, record: DeadRecord, reason: string, at: Date): Uint8Array {
  const { topic, partition, offset, key, value } = record;
  const encoding = isUtf8(value) ? 'utf8' : 'base64';
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const letter: DeadLetter = {
    stage,
    topic,
    partition,
    offset: offset.toString(),
    key,
    value: bytes.toString(encoding),
    encoding,
    reason,
    at: at.toISOString(),
  };
  return Buffer.from(JSON.stringify(letter));
}
