import { Output, staleBatch } from './output.ts';
import type { StepResult, StepRows, StepSession } from './port.ts';
import { since } from './time.ts';

/** Skips samples that are further ahead of their arrival than `maxAheadNs`. Rows without an arrival, as from a table, pass. */
export class Ahead implements StepSession {
  readonly #maxAheadNs: number;
  readonly #output: Output;
  #latest: object | undefined;

  constructor(maxAheadNs: number, width: number) {
    this.#maxAheadNs = maxAheadNs;
    this.#output = new Output(width);
  }

  apply(rows: StepRows): StepResult {
    const output = this.#output;
    output.begin(rows);
    const isAnyAhead = rows.received !== undefined && rows.received.leadNs > this.#maxAheadNs;
    const given = isAnyAhead ? this.#sift(rows) : rows;
    output.consumed = given.count;
    const latest = {};
    this.#latest = latest;
    return {
      rows: given,
      skips: output.skips,
      counts: output.counts(0),
      committed: () => {
        if (this.#latest !== latest) throw staleBatch();
        this.#latest = undefined;
      },
    };
  }

  release(): void {
    this.#output.release();
  }

  held(): number {
    return 0;
  }

  save(): Uint8Array {
    return new Uint8Array(0);
  }

  load(): void {
    this.#latest = undefined;
  }

  #sift(rows: StepRows): StepRows {
    for (let row = 0; row < rows.count; row++) {
      if (this.#isAhead(rows, row)) this.#output.skip(rows, row, 'ahead');
      else this.#output.copy(rows, row, row + 1);
    }
    return this.#output.rows();
  }

  #isAhead({ seconds, nanoseconds, inputs, received }: StepRows, row: number): boolean {
    const input = inputs[row]!;
    const arrivalSeconds = received!.seconds[input]!;
    const arrivalNanoseconds = received!.nanoseconds[input]!;
    return since(seconds[row]!, nanoseconds[row]!, arrivalSeconds, arrivalNanoseconds) > this.#maxAheadNs;
  }
}
