import { z } from 'zod';

/** One change of the version that serves, as it is kept. */
export const moveSchema = z.object({
  at: z.iso.datetime().describe('when it was done; of a move that was seen from outside: when it was seen'),
  from: z.int().min(1).optional(),
  to: z.int().min(1),
  who: z.string().max(200).optional(),
  by: z.string().max(500).optional().describe('why: the command, and the figure that decided'),
  seen: z.literal(true).optional().describe('somebody moved the alias without Gapline, some time before `at`'),
});

export type Move = z.infer<typeof moveSchema>;

/** Of what a registry keeps; undefined where it is no move. */
export function readMove(text: string): Move | undefined {
  try {
    return moveSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** In the order of time; a move that several lines saw stands there once. */
export function orderMoves(moves: readonly Move[]): Move[] {
  const sorted = moves.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return sorted.filter((move, index) => {
    const before = sorted[index - 1];
    return !(move.seen && before?.to === move.to);
  });
}
