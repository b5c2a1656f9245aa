import { z } from 'zod';

/** One change of the version that serves. */
export const promotionSchema = z.object({
  at: z.iso.datetime().describe('when it was done; of a move that was seen from outside: when it was seen'),
  from: z.int().min(1).optional().describe('the version that served before; absent where there was none'),
  to: z.int().min(1).describe('the version that serves from then on'),
  who: z.string().max(200).optional(),
  by: z.string().max(500).optional().describe('why: the command, and the figure that decided'),
  seen: z.literal(true).optional().describe('somebody moved the alias without Gapline, some time before `at`'),
});

export type Promotion = z.infer<typeof promotionSchema>;

/** What happened, in words: `version 2 took over from version 1, by ada: f1 0.97 > 0.96`. */
export function describePromotion({ from, to, who, by, seen }: Promotion): string {
  const change = from === undefined ? `version ${to} serves` : `version ${to} took over from version ${from}`;
  if (seen) return `${change}, moved without Gapline`;
  return `${change}${who === undefined ? '' : `, by ${who}`}${by === undefined ? '' : `: ${by}`}`;
}
