import { z } from 'zod';

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
