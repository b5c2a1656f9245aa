import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { firstIssue } from './issue.ts';
import { validate } from './validate.ts';

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
    cut: z
      .strictObject({
        keyBytes: z.int().min(0).describe('the length of the whole key'),
        valueBytes: z.int().min(0).describe('the length of the whole value'),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe('of the whole value'),
      })
      .optional()
      .describe(
        'present where key, value and reason are only beginnings, because the whole would not fit into a record',
      ),
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
  const { success, data, error } = validate(deadLetterSchema, json);
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

/** The most bytes of a dead letter, so that a record with its key fits into the log by far. */
export const maxDeadLetterBytes = 256 << 10;
/** What a dead letter that is cut keeps of the key and of the reason. Written as JSON, a character takes six bytes at most. */
const keptKeyChars = 256;
const keptReasonChars = 1_000;

/** The key of a record's dead letter: the whole key, or its beginning where it is long. */
export const deadLetterKey = (key: string | null): string | null =>
  key !== null && key.length > keptKeyChars ? key.slice(0, keptKeyChars).toWellFormed() : key;

/**
 * The dead letter of a record, as the log carries it. One that would be larger than `maxBytes` (at least 16 KiB) is cut: it holds
 * the beginnings of the key, the value and the reason, and the size and hash of the whole.
 */
export function encodeDeadLetter(
  stage: string,
  record: DeadRecord,
  reason: string,
  at: Date,
  maxBytes = maxDeadLetterBytes,
): Uint8Array {
  const { topic, partition, offset, key, value } = record;
  const letter = (part: Pick<DeadLetter, 'key' | 'value' | 'encoding' | 'reason' | 'cut'>) => {
    const whole = { stage, topic, partition, offset: offset.toString(), ...part, at: at.toISOString() };
    return Buffer.from(JSON.stringify(whole satisfies DeadLetter));
  };
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const fits = bytes.byteLength + (key?.length ?? 0) + reason.length <= maxBytes;
  const whole = fits ? letter({ key, ...textOf(bytes), reason }) : undefined;
  if (whole && whole.byteLength <= maxBytes) return whole;
  const kept = {
    key: deadLetterKey(key),
    reason: reason.slice(0, keptReasonChars).toWellFormed(),
    cut: {
      keyBytes: key === null ? 0 : Buffer.byteLength(key),
      valueBytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    },
  };
  // Six bytes are the most that one byte of text becomes in JSON.
  const room = Math.floor((maxBytes - letter({ ...kept, value: '', encoding: 'base64' }).byteLength) / 6);
  return letter({ ...kept, ...beginningOf(bytes, Math.max(0, room)) });
}

function textOf(bytes: Buffer): Pick<DeadLetter, 'value' | 'encoding'> {
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  return { value: bytes.toString(encoding), encoding };
}

/** At most so many bytes of a value. Text is not cut within a character. */
function beginningOf(bytes: Buffer, room: number): Pick<DeadLetter, 'value' | 'encoding'> {
  if (!isUtf8(bytes)) return textOf(bytes.subarray(0, room));
  let end = Math.min(room, bytes.length);
  // A byte 10xxxxxx continues a character.
  while (end > 0 && end < bytes.length && (bytes.readUInt8(end) & 0xc0) === 0x80) end -= 1;
  return { value: bytes.toString('utf8', 0, end), encoding: 'utf8' };
}
