import type { Xoshiro128PlusPlus } from '../../numeric/random/xoshiro128pp.ts';
import type { Tree } from './forest.ts';
import { mostDraws, rowBits, rowMask } from './grow-kernel.ts';
import { NodeList } from './node-list.ts';
import type { BestSplit, Cells, SplitSearch } from './split.ts';
import type { Workspace } from './workspace.ts';

export interface GrowOptions {
  readonly maxDepth: number;
  /** Columns tried at each split. */
  readonly maxFeatures: number;
  readonly bootstrap: boolean;
}

/** Grows trees one after the other, reusing its memory. A tree depends on its random stream and the data alone. */
export class TreeGrower {
  readonly #work: Workspace;
  readonly #search: SplitSearch;
  readonly #options: GrowOptions;
  readonly #draws: Uint32Array;
  /** Columns in the order of drawing: those known to be constant in the current node come first. */
  readonly #features: Int32Array;
  readonly #constants: Int32Array;
  readonly #nodes: NodeList;
  readonly #far: Cells;
  #cells: Cells;
  /** Where the samples end whose codes are near. */
  #nearEnd = 0;
  #constantCount = 0;

  constructor(work: Workspace, search: SplitSearch, options: GrowOptions) {
    this.#work = work;
    this.#search = search;
    this.#options = options;
    this.#draws = new Uint32Array(work.columns.count);
    this.#features = new Int32Array(work.columns.width);
    this.#constants = new Int32Array(work.columns.width);
    this.#nodes = new NodeList(search.outputs);
    this.#far = { codes: work.columns.codes, stride: work.columns.count };
    this.#cells = this.#far;
  }

  grow(random: Xoshiro128PlusPlus): Tree {
    const { maxDepth } = this.#options;
    const search = this.#search;
    const nodes = this.#nodes;
    nodes.clear();
    this.#nearEnd = 0;
    for (let feature = 0; feature < this.#features.length; feature++) this.#features[feature] = feature;
    const open = [{ start: 0, end: this.#draw(random), depth: 0, parent: -1, constants: 0 }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { start, end, depth, parent, constants } = next;
      this.#chooseCells(start, end);
      const splittable = search.begin(this.#cells, start, end) && depth < maxDepth;
      const best = splittable ? this.#bestSplit(constants, random) : undefined;
      const at = nodes.add(parent, search.weight);
      if (!best) {
        search.writeValue(nodes.value, at * search.outputs);
        continue;
      }
      nodes.split(at, best.feature, this.#threshold(best), best.gain);
      const middle = this.#partition(best, start, end, random);
      const below = { depth: depth + 1, parent: at, constants: this.#constantCount };
      open.push({ start: middle, end, ...below }, { start, end: middle, ...below });
    }
    return nodes.toTree();
  }

  /** Small nodes bring their rows' codes near, and the whole subtree works on those. */
  #chooseCells(start: number, end: number): void {
    if (start < this.#nearEnd) return;
    const { samples, near, columns, kernel } = this.#work;
    this.#cells = this.#far;
    if (this.#search.byRow || (end - start) * columns.width > near.length) return;
    kernel.bringNear(samples.byteOffset + start * 4, samples.byteOffset + end * 4);
    this.#cells = { codes: near, stride: end - start };
    this.#nearEnd = end;
  }

  /** Fills `samples` with the rows of one tree and returns how many entries they take. */
  #draw(random: Xoshiro128PlusPlus): number {
    const { columns, samples } = this.#work;
    const { bootstrap } = this.#options;
    const draws = this.#draws;
    const { count } = columns;
    if (bootstrap) drawRows(draws, random);
    else draws.fill(1);
    let entries = 0;
    for (let row = 0; row < count; row++) {
      for (let left = draws[row]!; left > 0; left -= mostDraws) {
        samples[entries++] = row | (Math.min(left, mostDraws) << rowBits);
      }
    }
    return entries;
  }

  /**
   * Tries columns drawn without replacement until `maxFeatures` were drawn and at least one was not constant. Columns
   * once found constant are remembered for the nodes below (after scikit-learn's `node_split_best`).
   */
  #bestSplit(known: number, random: Xoshiro128PlusPlus): BestSplit | undefined {
    const { maxFeatures } = this.#options;
    const search = this.#search;
    const features = this.#features;
    let untried = features.length;
    let constants = known;
    let drawnKnown = 0;
    let found = 0;
    let drawn = 0;
    while (untried > constants && (drawn < maxFeatures || drawn <= found + drawnKnown)) {
      drawn++;
      let at = drawnKnown + random.below(untried - found - drawnKnown);
      if (at < known) {
        swap(features, drawnKnown++, at);
        continue;
      }
      at += found;
      if (search.tryColumn(features[at]!, random)) {
        swap(features, --untried, at);
      } else {
        swap(features, constants++, at);
        found++;
      }
    }
    features.set(this.#constants.subarray(0, known));
    this.#constants.set(features.subarray(known, constants), known);
    this.#constantCount = constants;
    return search.best();
  }

  #threshold({ feature, bin, nextBin, threshold }: BestSplit): number {
    const { lowest, highest, gapBin } = this.#work.columns;
    const below = highest[feature * gapBin + bin]!;
    const above = lowest[feature * gapBin + nextBin]!;
    const wanted = threshold ?? below / 2 + above / 2;
    // Between neighbouring numbers there is none: then the upper one parts them as well.
    return wanted > below && wanted <= above ? wanted : above;
  }

  /**
   * Brings the rows that go left to the front, both sides in their old order so that memory is read in order, and
   * returns where the right ones begin. A row whose value is a gap goes to one side at random, in proportion to the rows whose
   * value is known: over many trees it counts on both, as in a prediction.
   */
  #partition({ feature, bin, leftShare }: BestSplit, start: number, end: number, random: Xoshiro128PlusPlus): number {
    const { columns, samples, kernel } = this.#work;
    const { codes, stride } = this.#cells;
    const bound = (bin + 1) << columns.shift;
    const column = codes.byteOffset + feature * stride * 2;
    const address = (at: number) => samples.byteOffset + at * 4;
    let middle = (kernel.partition(address(start), address(end), column, bound) - samples.byteOffset) / 4;
    if (!columns.gaps[feature]) return middle;
    const gap = columns.gapBin << columns.shift;
    for (let at = middle; at < end; at++) {
      const sample = samples[at]!;
      if (codes[feature * stride + (sample & rowMask)]! < gap || random.fraction() >= leftShare) continue;
      samples[at] = samples[middle]!;
      samples[middle++] = sample;
    }
    return middle;
  }
}

/** Draws as many rows as there are, with replacement, and counts how often each was drawn. */
export function drawRows(draws: Uint32Array, random: Xoshiro128PlusPlus): void {
  draws.fill(0);
  for (let drawn = 0; drawn < draws.length; drawn++) draws[random.below(draws.length)]!++;
}

function swap(array: Int32Array, a: number, b: number): void {
  const kept = array[a]!;
  array[a] = array[b]!;
  array[b] = kept;
}
