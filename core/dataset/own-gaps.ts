import { shapes } from './digits.ts';
import type { TableRecord, Visit } from './records.ts';

/** Words that a person says are gaps in a table: their cells are read as if they were empty. */
export class OwnGaps {
  readonly #words: readonly { readonly word: string; readonly bytes: Buffer }[];
  readonly #counts: number[];

  /** @param words - as they stand in cells, without quotes and the space around them */
  constructor(words: readonly string[]) {
    this.#words = words.map((word) => ({ word, bytes: Buffer.from(word) }));
    this.#counts = words.map(() => 0);
  }

  /** Visits records after emptying the cells that hold one of the words. Earlier counts are forgotten. */
  emptying(visit: Visit): Visit {
    if (this.#words.length === 0) return visit;
    this.#counts.fill(0);
    return (record) => {
      this.#empty(record);
      visit(record);
    };
  }

  #empty({ bytes, cells, starts, ends, digits }: TableRecord): void {
    for (let cell = 0; cell < cells; cell++) {
      const [from, to] = [starts[cell]!, ends[cell]!];
      if (from === to) continue;
      const found = this.#words.findIndex(
        (each) => each.bytes.length === to - from && each.bytes.compare(bytes, from, to) === 0,
      );
      if (found < 0) continue;
      this.#counts[found]! += 1;
      ends[cell] = from;
      if (digits) digits.shapes[cell] = shapes.unread;
    }
  }

  /** What was found by the last visit, in words. */
  get notes(): string[] {
    return this.#words.map(({ word }, at) => {
      const count = this.#counts[at] ?? 0;
      return count === 0 ? `no cell is "${word}", which --gap names` : `gaps by --gap: "${word}", ${count} cells`;
    });
  }
}
