import { z } from 'zod';
import { nanosecondsSchema } from './reading.ts';

/** The kinds of facts that a stream takes: by kind, the names of its values. */
export type FactKinds = Readonly<Record<string, readonly string[]>>;

/** What another system knows of a device for some time, as the log carries it: identity (stream, subject, kind, from). */
export const factSchema = z
  .strictObject({
    stream: z.string().min(1).describe('the kind of readings that it is about'),
    subject: z.string().min(1).describe('what it is about: the device of readings'),
    kind: z.string().min(1).describe('the kind of fact, such as admission'),
    from: nanosecondsSchema.describe('when it begins to hold'),
    to: nanosecondsSchema.optional().describe('when it holds no more, later than `from`; absent: it still holds'),
    values: z
      .record(z.string(), z.number().nullable())
      .nullable()
      .describe('what it says, by name; null deletes the fact'),
    received: nanosecondsSchema.describe('when the collector took it: nanoseconds, as a decimal string'),
  })
  .meta({ title: 'Fact' });

export type Fact = z.infer<typeof factSchema>;

/** The key of a fact's record: facts of one identity replace each other. */
export const factKey = ({ subject, kind, from }: Pick<Fact, 'subject' | 'kind' | 'from'>): string =>
  JSON.stringify([subject, kind, from]);

/** The subject in the key of a fact's record, which chooses its partition; the whole key where it is none of ours. */
export function subjectOfKey(key: string): string {
  try {
    const parts: unknown = JSON.parse(key);
    return Array.isArray(parts) && typeof parts[0] === 'string' ? parts[0] : key;
  } catch {
    return key;
  }
}
