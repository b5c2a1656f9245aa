import type { Tree } from './forest.ts';

/** The nodes of a tree while it grows; its memory is used again for the next tree. */
export class NodeList {
  readonly #outputs: number;
  #length = 0;
  #feature = new Int32Array(1024);
  #threshold = new Float64Array(1024);
  #left = new Int32Array(1024);
  #right = new Int32Array(1024);
  #weight = new Float64Array(1024);
  #gain = new Float64Array(1024);
  value: Float64Array;

  constructor(outputs: number) {
    this.#outputs = outputs;
    this.value = new Float64Array(1024 * outputs);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Adds a leaf below `parent` (-1 for the root), the left child before the right one, and gives its number. */
  add(parent: number, weight: number): number {
    const node = this.#length++;
    if (node === this.#feature.length) this.#grow();
    if (parent >= 0) (this.#left[parent]! < 0 ? this.#left : this.#right)[parent] = node;
    this.#feature[node] = this.#left[node] = this.#right[node] = -1;
    this.#threshold[node] = this.#gain[node] = 0;
    this.#weight[node] = weight;
    this.value.fill(0, node * this.#outputs, (node + 1) * this.#outputs);
    return node;
  }

  /** Turns a leaf into a split. */
  split(node: number, feature: number, threshold: number, gain: number): void {
    this.#feature[node] = feature;
    this.#threshold[node] = threshold;
    this.#gain[node] = gain;
  }

  toTree(): Tree {
    const length = this.#length;
    return {
      feature: this.#feature.slice(0, length),
      threshold: this.#threshold.slice(0, length),
      left: this.#left.slice(0, length),
      right: this.#right.slice(0, length),
      weight: this.#weight.slice(0, length),
      gain: this.#gain.slice(0, length),
      value: this.value.slice(0, length * this.#outputs),
    };
  }

  #grow(): void {
    const twice = this.#feature.length * 2;
    const ints = (old: Int32Array) => {
      const wider = new Int32Array(twice);
      wider.set(old);
      return wider;
    };
    const floats = (old: Float64Array, length = twice) => {
      const wider = new Float64Array(length);
      wider.set(old);
      return wider;
    };
    this.#feature = ints(this.#feature);
    this.#left = ints(this.#left);
    this.#right = ints(this.#right);
    this.#threshold = floats(this.#threshold);
    this.#weight = floats(this.#weight);
    this.#gain = floats(this.#gain);
    this.value = floats(this.value, twice * this.#outputs);
  }
}
