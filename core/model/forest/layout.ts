import { GaplineError } from '../../wire/errors.ts';
import type { Forest, Tree, Voting } from './forest.ts';
import {
  beyondEnd,
  childAt,
  instantiateKernel,
  nodeBytes,
  slotBytes,
  taskBytes,
  valueAt,
  type WalkKernel,
} from './walk-kernel.ts';

/** A forest laid out for prediction. Opaque: made by `compile`, read by `predict`. Belongs to one thread. */
export interface CompiledForest {
  readonly forest: Forest;
  readonly voting: Voting;
  readonly width: number;
  readonly outputs: number;
  readonly kernel: WalkKernel;
  /** The memory that the kernel walks in, seen in two ways. */
  readonly floats: Float64Array;
  readonly words: Int32Array;
  /** Address of each tree's root. */
  readonly roots: Int32Array;
  /** By node (its address divided by `nodeBytes`): which of `leafValues` a leaf has, times `outputs`. */
  readonly leafOf: Int32Array;
  /** What leaves say, each distinct value once. */
  readonly leafValues: Float64Array;
  /** By node: the class that a leaf votes for. */
  readonly votes: Int32Array;
  /** Address of the room for rows, of how many bytes each, and for how many of them `predict` may use it at once. */
  readonly rowsAt: number;
  readonly stride: number;
  readonly rowsAtOnce: number;
  /** Address of the tasks for walking one row down all trees. */
  readonly tasksAt: number;
  /** Room for `predict` to work in, so that it allocates nothing. */
  readonly scratch: Scratch;
}

export interface Scratch {
  /** By row in the kernel's memory: its number among the caller's rows, and the votes of its leading class. */
  readonly rowOf: Int32Array;
  readonly most: Int32Array;
  /** What one tree says of one row with gaps, and the branches of it that still have to be walked. */
  readonly answer: Float64Array;
  readonly openNodes: number[];
  readonly openShares: number[];
}

const rowsAtOnce = 1024;
const pageBytes = 65_536;
const mostBytes = 2 ** 31;

/**
 * Lays a forest out for prediction. Do it once, when a model is loaded.
 *
 * With `voting: 'majority'` the labels are those of `ml-random-forest`'s `predict`, draws included.
 *
 * @throws GaplineError `model-invalid` where the forest is too large (some 130 million nodes)
 */
export function compile(forest: Forest, options: { voting?: Voting } = {}): CompiledForest {
  const { trees, width, outputs } = forest;
  const nodes = trees.reduce((sum, tree) => sum + tree.feature.length, 0);
  const stride = slotBytes + width * 8;
  const tasksAt = nodes * nodeBytes;
  const rowsAt = tasksAt + (trees.length + beyondEnd) * taskBytes;
  const bytes = rowsAt + (rowsAtOnce + beyondEnd) * stride;
  if (bytes > mostBytes) throw new GaplineError('model-invalid', `A forest of ${nodes} nodes is too large to be used.`);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  const words = new Int32Array(memory.buffer);
  const roots = new Int32Array(trees.length);
  const values = new LeafValues(outputs);
  const compiled: CompiledForest = {
    forest,
    voting: forest.task === 'classification' && !forest.boosting ? (options.voting ?? 'mean') : 'mean',
    width,
    outputs,
    kernel: instantiateKernel(memory),
    floats: new Float64Array(memory.buffer),
    words,
    roots,
    leafOf: new Int32Array(nodes),
    leafValues: new Float64Array(0),
    votes: new Int32Array(nodes),
    rowsAt,
    stride,
    rowsAtOnce,
    tasksAt,
    scratch: {
      rowOf: new Int32Array(rowsAtOnce),
      most: new Int32Array(rowsAtOnce),
      answer: new Float64Array(outputs),
      openNodes: [],
      openShares: [],
    },
  };
  let first = 0;
  for (const [number, tree] of trees.entries()) {
    roots[number] = first * nodeBytes;
    layOut(tree, first, compiled, values);
    first += tree.feature.length;
  }
  for (let task = 0; task < trees.length + beyondEnd; task++) {
    words[(tasksAt + task * taskBytes) / 4] = roots[Math.min(task, trees.length - 1)]!;
  }
  return { ...compiled, leafValues: values.toArray() };
}

/** Writes a tree's nodes, siblings side by side and below a node first what most training rows reached. */
function layOut(
  tree: Tree,
  first: number,
  { floats, words, leafOf, votes, outputs }: CompiledForest,
  values: LeafValues,
): void {
  const open = [{ node: 0, at: first }];
  let free = first + 1;
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, at } = next;
    const address = at * nodeBytes;
    const feature = tree.feature[node]!;
    if (feature < 0) {
      const value = tree.value.subarray(node * outputs, (node + 1) * outputs);
      floats[address / 8] = Number.NaN;
      words[(address + childAt) / 4] = address;
      words[(address + valueAt) / 4] = slotBytes;
      leafOf[at] = values.add(value);
      votes[at] = firstMaximum(value, 0, outputs);
      continue;
    }
    floats[address / 8] = tree.threshold[node]!;
    words[(address + childAt) / 4] = free * nodeBytes;
    words[(address + valueAt) / 4] = slotBytes + feature * 8;
    const children = [
      { node: tree.left[node]!, at: free },
      { node: tree.right[node]!, at: free + 1 },
    ];
    children.sort((a, b) => tree.weight[a.node]! - tree.weight[b.node]!);
    open.push(...children);
    free += 2;
  }
}

/** Leaves' values, each kept once: most leaves are pure, so that few are distinct and those stay near the processor. */
class LeafValues {
  readonly #outputs: number;
  readonly #known = new Map<string, number>();
  readonly #values: number[] = [];

  constructor(outputs: number) {
    this.#outputs = outputs;
  }

  add(value: Float64Array): number {
    const key = value.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const at = this.#values.length;
    this.#known.set(key, at);
    for (let output = 0; output < this.#outputs; output++) this.#values.push(value[output]!);
    return at;
  }

  toArray(): Float64Array {
    return Float64Array.from(this.#values);
  }
}

/** Index of the greatest of `length` values, of equals the first. */
export function firstMaximum(values: Float64Array, from: number, length: number): number {
  let best = 0;
  for (let at = 1; at < length; at++) if (values[from + at]! > values[from + best]!) best = at;
  return best;
}
