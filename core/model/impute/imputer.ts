import type { Rows } from '../rows.ts';
import type { Memory } from './memory.ts';

/** A fitted imputer, opened for use. Made from what {@link ./schema.ts} describes, which is plain JSON and travels with the model. */
export interface Imputer {
  /** How far back a session wants to be warmed, in milliseconds; 0 for imputers that remember nothing. */
  readonly memoryMs: number;
  /** How many completions {@link ImputerSession.draw} gives of each row; 0 where `fill` is all there is. */
  readonly draws: number;
  open(): ImputerSession;
}

/** An imputer's memory of one partition. Sessions of imputers that remember nothing are all alike. */
export interface ImputerSession {
  /**
   * Writes the rows without their gaps into `into`, of length `count * width`; what was measured stays as it is. Pure: rows are
   * left alone, and the same rows give the same values until the returned function is called, which remembers them.
   */
  fill(rows: Rows, into: Float64Array): (() => void) | undefined;
  /** As `fill`, but the completion of that number: a plausible one instead of the best. Only where `draws` is above 0. */
  draw(rows: Rows, number: number, into: Float64Array): void;
  /** Remembers rows of the past, oldest first. */
  warm(rows: Rows): void;
  /** What it remembers; absent where that is nothing. */
  readonly memory?: Memory;
}

/** A session for imputers that remember nothing and know one completion. */
export function memoryless(fill: (rows: Rows, into: Float64Array) => void): ImputerSession {
  return {
    fill(rows, into) {
      fill(rows, into);
      return undefined;
    },
    draw: (rows, _number, into) => fill(rows, into),
    warm() {},
  };
}
