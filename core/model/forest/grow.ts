import type { BinnedColumns } from './bins.ts';
import type { Tree } from './forest.ts';
import { NodeList } from './node-list.ts';
import type { Random } from './random.ts';
import { mostDraws, rowBits, rowMask, type SplitSearch } from './split.ts';

export interface GrowOptions {
  readonly columns: BinnedColumns;
  /** Room for `columns.count` rows, shared with `search`. */
  readonly samples: Uint32Array;
  readonly search: SplitSearch;
  readonly maxDepth: number;
  /** Columns tried at each split. */
  readonly maxFeatures: number;
  readonly bootstrap: boolean;
}

/** Grows trees one after the other, reusing its memory. A tree depends on its random stream and the data alone. */
export class TreeGrower {
  readonly #options: GrowOptions;
  readonly #draws: Uint32Array;
  /** Columns in the order of drawing: those known to be constant in the current node come first. */
  readonly #features: Int32Array;
  readonly #constants: Int32Array;
  readonly #nodes: NodeList;
  #constantCount = 0;

  constructor(options: GrowOptions) {
    this.#options = options;
    this.#draws = new Uint32Array(options.columns.count);
    this.#features = new Int32Array(options.columns.width);
    this.#constants = new Int32Array(options.columns.width);
    this.#nodes = new NodeList(options.search.outputs);
  }

  grow(random: Random): Tree {
    const { search, columns, maxDepth } = this.#options;
    const nodes = this.#nodes;
    nodes.clear();
    for (let feature = 0; feature < columns.width; feature++) this.#features[feature] = feature;
    const open = [{ start: 0, end: this.#draw(random), depth: 0, parent: -1, constants: 0 }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { start, end, depth, parent, constants } = next;
      const splittable = search.begin(start, end) && depth < maxDepth;
      if (splittable) this.#searchColumns(constants, random);
      const { best } = search;
      const at = nodes.add(parent, search.weight());
      if (!splittable || best.feature < 0) {
        search.writeValue(nodes.value, at * search.outputs);
        continue;
      }
      nodes.split(at, best.feature, this.#threshold(), search.gain());
      const middle = this.#partition(start, end, random);
      const below = { depth: depth + 1, parent: at, constants: this.#constantCount };
      open.push({ start: middle, end, ...below }, { start, end: middle, ...below });
    }
    return nodes.toTree();
  }

  /** Fills `samples` with the rows of one tree and says how many entries they take. */
  #draw(random: Random): number {
    const { columns, samples, bootstrap } = this.#options;
    const draws = this.#draws;
    const { count } = columns;
    draws.fill(bootstrap ? 0 : 1);
    if (bootstrap) for (let drawn = 0; drawn < count; drawn++) draws[random.below(count)]!++;
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
  #searchColumns(known: number, random: Random): void {
    const { search, maxFeatures } = this.#options;
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
  }

  #threshold(): number {
    const { lowest, highest, gapBin } = this.#options.columns;
    const { feature, bin, nextBin, place } = this.#options.search.best;
    const below = highest[feature * gapBin + bin]!;
    const above = lowest[feature * gapBin + nextBin]!;
    const threshold = below * (1 - place) + above * place;
    // Between neighbouring numbers there is none: then the upper one parts them as well.
    return threshold > below && threshold <= above ? threshold : above;
  }

  /**
   * Brings the rows that go left to the front and says where the right ones begin. A row whose value is a gap goes to one
   * side at random, in proportion to the rows already there: over many trees it counts on both, as in a prediction.
   */
  #partition(start: number, end: number, random: Random): number {
    const { columns, samples, search } = this.#options;
    const { codes, shift, count, gapBin } = columns;
    const base = search.best.feature * count;
    const bound = (search.best.bin + 1) << shift;
    const gap = gapBin << shift;
    let left = start;
    let right = end;
    let gaps = end;
    while (left < right) {
      const sample = samples[left]!;
      const code = codes[base + (sample & rowMask)]!;
      if (code < bound) {
        left++;
        continue;
      }
      samples[left] = samples[--right]!;
      samples[right] = sample;
      if (code < gap) continue;
      samples[right] = samples[--gaps]!;
      samples[gaps] = sample;
    }
    const leftShare = (left - start) / (gaps - start);
    for (let at = gaps; at < end; at++) {
      if (random.fraction() >= leftShare) continue;
      const sample = samples[at]!;
      samples[at] = samples[left]!;
      samples[left++] = sample;
    }
    return left;
  }
}

function swap(array: Int32Array, a: number, b: number): void {
  const kept = array[a]!;
  array[a] = array[b]!;
  array[b] = kept;
}
