import type { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import { rowBits, rowMask } from './grow-kernel.ts';
import { type BestSplit, type Cells, drawCut, firstSeen, lastSeen, type RandomCut, type SplitSearch } from './split.ts';
import type { Workspace } from './workspace.ts';

/**
 * Splits by variance, for regression. With s the sum and n the number of a side's rows, the variance falls most where
 * `s^2 / n` of left plus right is greatest (as scikit-learn's `MSE.proxy_impurity_improvement`). Missing values are
 * left out of a column's split score; their rows count as if the split left them as they are.
 */
export class ValueSplitSearch implements SplitSearch {
  readonly outputs = 1;
  readonly byRow = true;
  weight = 0;
  readonly #work: Workspace;
  readonly #targets: Float64Array;
  /** By bin, the sum of the targets; `histogram` of the workspace holds the rows. */
  readonly #sums: Float64Array;
  #cells: Cells = { codes: new Uint16Array(0), stride: 0 };
  #start = 0;
  #end = 0;
  #sum = 0;
  #score = -Infinity;
  #best: Omit<BestSplit, 'gain'> | undefined;

  constructor(work: Workspace, targets: Float64Array) {
    this.#work = work;
    this.#targets = targets;
    this.#sums = new Float64Array(work.columns.gapBin + 1);
  }

  begin(cells: Cells, start: number, end: number): boolean {
    const { samples } = this.#work;
    this.#cells = cells;
    this.#start = start;
    this.#end = end;
    this.#score = -Infinity;
    this.#best = undefined;
    let rows = 0;
    let sum = 0;
    let least = Infinity;
    let most = -Infinity;
    for (let at = start; at < end; at++) {
      const sample = samples[at]!;
      const target = this.#targets[sample & rowMask]!;
      rows += sample >>> rowBits;
      sum += target * (sample >>> rowBits);
      if (target < least) least = target;
      if (target > most) most = target;
    }
    this.weight = rows;
    this.#sum = sum;
    return least < most;
  }

  tryColumn(feature: number, random: Xoshiro128PlusPlus): boolean {
    const { columns, seen, seenWords, histogram, extraTrees } = this.#work;
    const sums = this.#sums;
    this.#count(feature);
    let rows = this.weight;
    let sum = this.#sum;
    if (seen[columns.gapBin] === 1) {
      rows -= histogram[columns.gapBin]!;
      sum -= sums[columns.gapBin]!;
      seen[columns.gapBin] = 0;
    }
    const range = { first: firstSeen(seenWords), last: lastSeen(seenWords) };
    const constant = range.first === range.last;
    if (!constant) this.#scan(feature, rows, sum, extraTrees ? drawCut(columns, feature, range, random) : undefined);
    seen.fill(0);
    histogram.fill(0);
    sums.fill(0);
    return !constant;
  }

  #count(feature: number): void {
    const { samples, seen, histogram } = this.#work;
    const { codes, stride } = this.#cells;
    for (let at = this.#start; at < this.#end; at++) {
      const sample = samples[at]!;
      const row = sample & rowMask;
      const bin = codes[feature * stride + row]!;
      const draws = sample >>> rowBits;
      histogram[bin]! += draws;
      this.#sums[bin]! += this.#targets[row]! * draws;
      seen[bin] = 1;
    }
  }

  #scan(feature: number, rows: number, sum: number, cut?: RandomCut): void {
    const { seen, histogram, minSamplesLeaf } = this.#work;
    const handicap = this.#sum ** 2 / this.weight - sum ** 2 / rows;
    let leftRows = 0;
    let leftSum = 0;
    for (let before = -1, bin = seen.indexOf(1); bin >= 0; before = bin, bin = seen.indexOf(1, bin + 1)) {
      const allowed = leftRows >= minSamplesLeaf && rows - leftRows >= minSamplesLeaf;
      if (allowed && (!cut || (before < cut.bin && cut.bin <= bin))) {
        const score = leftSum ** 2 / leftRows + (sum - leftSum) ** 2 / (rows - leftRows) + handicap;
        if (score > this.#score) {
          this.#score = score;
          const threshold = cut ? { threshold: cut.threshold } : {};
          this.#best = { feature, bin: before, nextBin: bin, leftShare: leftRows / rows, ...threshold };
        }
      }
      leftRows += histogram[bin]!;
      leftSum += this.#sums[bin]!;
    }
  }

  best(): BestSplit | undefined {
    const gain = (this.#score - this.#sum ** 2 / this.weight) / this.weight;
    return this.#best && { ...this.#best, gain: Math.max(0, gain) };
  }

  writeValue(out: Float64Array, at: number): void {
    out[at] = this.#sum / this.weight;
  }
}
