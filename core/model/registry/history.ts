import { type Promotion, promotionSchema } from '../../wire/promotion.ts';
import { validate } from '../../wire/validate.ts';

/** One change of the version that serves, as it is kept. */
export type Move = Promotion;

/** Of what a registry keeps; undefined where it is no move. */
export function readMove(text: string): Move | undefined {
  try {
    return validate(promotionSchema, JSON.parse(text)).data;
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
