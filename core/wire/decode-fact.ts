import { mismatch, parseRecord } from './decode-reading.ts';
import { type Fact, factSchema } from './fact.ts';
import { firstIssue } from './issue.ts';
import { compareTimes } from './time.ts';
import { validate } from './validate.ts';

/**
 * Decodes a record of the facts topic. Facts are few, so their schema is the check.
 * @returns the fact, or the reason why it is none
 */
export function decodeFact(bytes: Uint8Array): Fact | string {
  const record = parseRecord(bytes);
  if (typeof record === 'string') return record;
  const parsed = validate(factSchema, record);
  if (!parsed.success) return firstIssue(parsed.error);
  const { from, to } = parsed.data;
  for (const [name, time] of Object.entries({ from, ...(to !== undefined && { to }) })) {
    const nanos = BigInt(time);
    if (BigInt.asIntN(64, nanos) !== nanos) return mismatch(name, time, 'nanoseconds that fit into 64 bits');
  }
  if (to !== undefined && compareTimes(to, from) <= 0) return mismatch('to', to, 'a time later than from');
  return parsed.data;
}
