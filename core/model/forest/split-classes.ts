import type { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { bestAt } from './grow-kernel.ts';
import { type BestSplit, type Cells, drawCut, firstSeen, lastSeen, noCut, type SplitSearch } from './split.ts';
import type { Workspace } from './workspace.ts';

/**
 * Splits by Gini impurity. With left and right class weights l and r, the decrease is greatest where
 * `sum(l^2) / sum(l) + sum(r^2) / sum(r)` is: that is what is compared (as scikit-learn's `Gini.proxy_impurity_improvement`).
 * Missing values are
 * left out of a column's split score; their rows count as if the split left them as they are.
 */
export class ClassSplitSearch implements SplitSearch {
  readonly outputs: number;
  readonly byRow = false;
  weight = 0;
  readonly #work: Workspace;
  /** Of extra trees: where the best cut so far lies. */
  #threshold = 0;
  #cells: Cells = { codes: new Uint16Array(0), stride: 0 };
  #from = 0;
  #end = 0;
  #rows = 0;
  /** Sum of the squares of the classes' weights. */
  #squares = 0;

  constructor(work: Workspace) {
    this.outputs = work.classWeights.length;
    this.#work = work;
  }

  begin(cells: Cells, start: number, end: number): boolean {
    const { kernel, samples, draws, known, classWeights, best } = this.#work;
    this.#cells = cells;
    this.#from = samples.byteOffset + start * 4;
    this.#end = samples.byteOffset + end * 4;
    kernel.countClasses(this.#from, this.#end, cells.codes.byteOffset);
    let present = 0;
    let rows = 0;
    let weight = 0;
    let squares = 0;
    for (let label = 0; label < this.outputs; label++) {
      const drawn = draws[label]!;
      const ofClass = drawn * classWeights[label]!;
      known[label] = ofClass;
      rows += drawn;
      weight += ofClass;
      squares += ofClass * ofClass;
      if (drawn > 0) present++;
    }
    this.#rows = rows;
    this.#squares = squares;
    this.weight = weight;
    best.setInt32(bestAt.feature, -1, true);
    best.setFloat64(bestAt.score, -Infinity, true);
    return present > 1;
  }

  tryColumn(feature: number, random: Xoshiro128PlusPlus): boolean {
    const { kernel, columns, seen } = this.#work;
    kernel.count(this.#from, this.#end, this.#cells.codes.byteOffset + feature * this.#cells.stride * 2);
    return seen[columns.gapBin] === 1
      ? this.#scanBesideGaps(feature, random)
      : this.#scan(feature, random, this.#rows, this.weight, this.#squares);
  }

  #scan(feature: number, random: Xoshiro128PlusPlus, rows: number, weight: number, squares: number): boolean {
    const { kernel, columns, seenWords, best, extraTrees } = this.#work;
    const handicap = this.#squares / this.weight - squares / weight;
    if (!extraTrees) return kernel.scan(feature, rows, weight, squares, handicap, 0) > 1;
    const range = { first: firstSeen(seenWords), last: lastSeen(seenWords) };
    const cut = range.first < range.last ? drawCut(columns, feature, range, random) : noCut;
    const bins = kernel.scan(feature, rows, weight, squares, handicap, cut.bin);
    if (best.getInt32(bestAt.feature, true) === feature) this.#threshold = cut.threshold;
    return bins > 1;
  }

  /** Takes the gaps out of the histogram and of what is known, scans the rest, and puts what is known right again. */
  #scanBesideGaps(feature: number, random: Xoshiro128PlusPlus): boolean {
    const { columns, seen, histogram, known, classWeights } = this.#work;
    const from = columns.gapBin << columns.shift;
    const gaps = histogram.slice(from, from + this.outputs);
    histogram.fill(0, from, from + this.outputs);
    seen[columns.gapBin] = 0;
    let rows = this.#rows;
    let weight = 0;
    let squares = 0;
    for (let label = 0; label < this.outputs; label++) {
      rows -= gaps[label]!;
      known[label]! -= gaps[label]! * classWeights[label]!;
      weight += known[label]!;
      squares += known[label]! ** 2;
    }
    const splits = this.#scan(feature, random, rows, weight, squares);
    for (let label = 0; label < this.outputs; label++) known[label]! += gaps[label]! * classWeights[label]!;
    return splits;
  }

  best(): BestSplit | undefined {
    const { best, extraTrees } = this.#work;
    const feature = best.getInt32(bestAt.feature, true);
    if (feature < 0) return undefined;
    return {
      feature,
      bin: best.getInt32(bestAt.bin, true),
      nextBin: best.getInt32(bestAt.nextBin, true),
      ...(extraTrees ? { threshold: this.#threshold } : {}),
      leftShare: best.getInt32(bestAt.leftRows, true) / best.getInt32(bestAt.rows, true),
      gain: Math.max(0, (best.getFloat64(bestAt.score, true) - this.#squares / this.weight) / this.weight),
    };
  }

  writeValue(out: Float64Array, at: number): void {
    const { known } = this.#work;
    for (let label = 0; label < this.outputs; label++) out[at + label] = known[label]! / this.weight;
  }
}
