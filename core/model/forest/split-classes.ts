import type { BinnedColumns } from './bins.ts';
import type { Random } from './random.ts';
import { firstSeen, lastSeen, seenWords } from './seen-bins.ts';
import { type BestSplit, drawCut, rowBits, rowMask, type SplitOptions, type SplitSearch } from './split.ts';

/**
 * Splits by Gini impurity. With left and right class weights l and r, the decrease is greatest where
 * `sum(l^2) / sum(l) + sum(r^2) / sum(r)` is: that is what is compared (as scikit-learn's `Gini.proxy_impurity_improvement`).
 * Rows whose value is a gap have no say in a column's score; they count as if the split left them as they are.
 */
export class ClassSplitSearch implements SplitSearch {
  readonly best: BestSplit = { feature: -1, bin: 0, nextBin: 0, place: 0.5, score: 0 };
  readonly outputs: number;
  readonly #options: SplitOptions;
  readonly #labels: Uint16Array;
  readonly #classWeights: Float64Array;
  /** Rows drawn, by code. All zero between calls. */
  readonly #histogram: Int32Array;
  readonly #seen = new Int32Array(seenWords);
  readonly #draws: Int32Array;
  readonly #totals: Float64Array;
  readonly #left: Float64Array;
  readonly #right: Float64Array;
  readonly #cut = { bin: -1, place: 0.5 };
  #start = 0;
  #end = 0;
  #rows = 0;
  #weight = 0;
  #squares = 0;

  constructor(options: SplitOptions, labels: Uint16Array, classWeights: Float64Array) {
    this.outputs = classWeights.length;
    this.#options = options;
    this.#labels = labels;
    this.#classWeights = classWeights;
    this.#histogram = new Int32Array((options.columns.gapBin + 1) << options.columns.shift);
    this.#draws = new Int32Array(this.outputs);
    this.#totals = new Float64Array(this.outputs);
    this.#left = new Float64Array(this.outputs);
    this.#right = new Float64Array(this.outputs);
  }

  begin(start: number, end: number): boolean {
    const { samples } = this.#options;
    const labels = this.#labels;
    const draws = this.#draws;
    draws.fill(0);
    for (let at = start; at < end; at++) {
      const sample = samples[at]!;
      draws[labels[sample & rowMask]!]! += sample >>> rowBits;
    }
    this.#start = start;
    this.#end = end;
    this.#rows = this.#weight = this.#squares = 0;
    let present = 0;
    for (let label = 0; label < this.outputs; label++) {
      const total = draws[label]! * this.#classWeights[label]!;
      this.#totals[label] = total;
      this.#rows += draws[label]!;
      this.#weight += total;
      this.#squares += total * total;
      if (draws[label]! > 0) present++;
    }
    this.best.feature = -1;
    this.best.score = -Infinity;
    return present > 1;
  }

  tryColumn(feature: number, random: Random): boolean {
    const { columns, extraTrees } = this.#options;
    this.#count(feature, columns);
    this.#right.set(this.#totals);
    const gaps = this.#takeOutGaps(columns);
    const first = firstSeen(this.#seen);
    const constant = first === lastSeen(this.#seen);
    if (extraTrees && !constant) drawCut(columns, feature, this.#seen, random.fraction(), this.#cut);
    this.#scan(feature, gaps);
    return !constant;
  }

  #count(feature: number, { codes, count, shift }: BinnedColumns): void {
    const { samples } = this.#options;
    const histogram = this.#histogram;
    const seen = this.#seen;
    const base = feature * count;
    const wordShift = shift + 5;
    for (let at = this.#start, end = this.#end; at < end; at++) {
      const sample = samples[at]!;
      const code = codes[base + (sample & rowMask)]!;
      histogram[code]! += sample >>> rowBits;
      seen[code >> wordShift]! |= 1 << (code >> shift);
    }
  }

  /** Takes the gaps out of the histogram and of `right`, and says how many draws they were. */
  #takeOutGaps({ gapBin, shift }: BinnedColumns): number {
    const bit = 1 << gapBin;
    if ((this.#seen[gapBin >> 5]! & bit) === 0) return 0;
    this.#seen[gapBin >> 5]! ^= bit;
    let gaps = 0;
    for (let label = 0; label < this.outputs; label++) {
      const draws = this.#histogram[(gapBin << shift) | label]!;
      this.#histogram[(gapBin << shift) | label] = 0;
      this.#right[label]! -= draws * this.#classWeights[label]!;
      gaps += draws;
    }
    return gaps;
  }

  /** Moves bin after bin from right to left and keeps the best place between two. Leaves the histogram empty. */
  #scan(feature: number, gaps: number): void {
    const { minSamplesLeaf, columns, extraTrees } = this.#options;
    const { shift } = columns;
    const { best, outputs } = this;
    const histogram = this.#histogram;
    const seen = this.#seen;
    const classWeights = this.#classWeights;
    const left = this.#left;
    const right = this.#right;
    const cut = extraTrees ? this.#cut.bin : -1;
    const most = this.#rows - gaps - minSamplesLeaf;
    let weight = this.#weight;
    let rightSquares = this.#squares;
    let handicap = 0;
    if (gaps > 0) {
      weight = right.reduce((sum, part) => sum + part, 0);
      rightSquares = right.reduce((sum, part) => sum + part * part, 0);
      handicap = this.#squares / this.#weight - rightSquares / weight;
    }
    left.fill(0);
    let leftRows = 0;
    let leftWeight = 0;
    let leftSquares = 0;
    let previous = -1;
    for (let word = 0; word < seenWords; word++) {
      let bits = seen[word]!;
      seen[word] = 0;
      while (bits !== 0) {
        const lowest = bits & -bits;
        bits ^= lowest;
        const bin = (word << 5) | (31 - Math.clz32(lowest));
        if (previous >= 0 && leftRows >= minSamplesLeaf && leftRows <= most && (cut < 0 || bin === cut)) {
          const score = leftSquares / leftWeight + rightSquares / (weight - leftWeight) + handicap;
          if (score > best.score) {
            best.score = score;
            best.feature = feature;
            best.bin = previous;
            best.nextBin = bin;
            best.place = this.#cut.place;
          }
        }
        previous = bin;
        const base = bin << shift;
        for (let label = 0; label < outputs; label++) {
          const draws = histogram[base + label]!;
          if (draws === 0) continue;
          histogram[base + label] = 0;
          const moved = draws * classWeights[label]!;
          leftSquares += moved * (2 * left[label]! + moved);
          rightSquares += moved * (moved - 2 * right[label]!);
          left[label]! += moved;
          right[label]! -= moved;
          leftWeight += moved;
          leftRows += draws;
        }
      }
    }
  }

  weight(): number {
    return this.#weight;
  }

  gain(): number {
    return Math.max(0, (this.best.score - this.#squares / this.#weight) / this.#weight);
  }

  writeValue(out: Float64Array, at: number): void {
    for (let label = 0; label < this.outputs; label++) out[at + label] = this.#totals[label]! / this.#weight;
  }
}
