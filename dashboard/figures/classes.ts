import { elementAt } from '../../core/numeric/element.ts';
/** Gathers what does not fit, so that a stream of ever new labels stays bounded. */
export const otherClasses = '(others)';

/** Gives each label an index, in the order in which they were met; past the limit all share the last one. */
export class Classes {
  readonly limit: number;
  readonly names: string[] = [];
  readonly #indices = new Map<string, number>();

  constructor(limit: number) {
    this.limit = limit;
  }

  indexOf(label: string): number {
    const known = this.#indices.get(label);
    if (known !== undefined) return known;
    const last = this.limit - 1;
    if (this.names.length >= last) {
      this.names[last] = otherClasses;
      return last;
    }
    this.names.push(label);
    this.#indices.set(label, this.names.length - 1);
    return this.names.length - 1;
  }

  /** Adds up confusions of cells `truth * limit + label` to `matrix[truth][label]`, over the classes met so far. */
  matrixOf(parts: readonly { readonly confusion: ReadonlyMap<number, number> }[]): number[][] {
    const matrix = this.names.map(() => this.names.map(() => 0));
    for (const { confusion } of parts)
      for (const [cell, count] of confusion)
        elementAt(matrix, Math.floor(cell / this.limit))[cell % this.limit]! += count;
    return matrix;
  }
}
