import { pageBytes } from '../../numeric/arena.ts';
import { argmax } from '../../numeric/argmax.ts';
import { GaplineError } from '../../wire/errors.ts';
import type { Forest, Tree, Voting } from './forest.ts';
import type { GapScratch } from './gaps.ts';
import {
  beyondEnd,
  childAt,
  instantiateKernel,
  leafMark,
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
  /** The memory that the kernel works in, seen in two ways. All addresses are in bytes. */
  readonly floats: Float64Array;
  readonly words: Int32Array;
  /** Address of each tree's root. */
  readonly roots: Int32Array;
  /** Address of the tasks for walking one row down all trees. */
  readonly tasksAt: number;
  /** Room for rows of `stride` bytes each, and how many `predict` may put there at once. */
  readonly rowsAt: number;
  readonly stride: number;
  readonly rowsAtOnce: number;
  /** Room for a sum of `outputs` numbers for each of those rows. */
  readonly sumsAt: number;
  readonly scratch: Scratch;
}

/** Memory for `predict`, so that it allocates nothing. */
export interface Scratch extends GapScratch {
  /** By row in the kernel's memory: its number among the caller's rows. */
  readonly rowOf: Int32Array;
}

/** So many that a tree is read often once it is near the processor, so few that the rows stay there as well. */
const rowsAtOnce = 512;
const mostBytes = 2 ** 31;

/**
 * Lays a forest out for prediction. Do it once, when a model is loaded.
 *
 * With `voting: 'majority'` the labels are those of `ml-random-forest`'s `predict`, draws included.
 *
 * @throws GaplineError `model-invalid` where the forest is too large (some 100 million nodes)
 */
export function compile(forest: Forest, options: { voting?: Voting } = {}): CompiledForest {
  const { trees, width, outputs } = forest;
  const voting = forest.task === 'classification' && !forest.boosting ? (options.voting ?? 'mean') : 'mean';
  const leaves = distinctLeaves(forest, voting);
  const nodes = trees.reduce((sum, tree) => sum + tree.feature.length, 0);
  const leavesAt = nodes * nodeBytes;
  const tasksAt = leavesAt + leaves.values.length * 8;
  const rowsAt = tasksAt + (trees.length + beyondEnd) * taskBytes;
  const stride = slotBytes + width * 8;
  const sumsAt = rowsAt + (rowsAtOnce + beyondEnd) * stride;
  const bytes = sumsAt + rowsAtOnce * outputs * 8;
  if (bytes > mostBytes) throw new GaplineError('model-invalid', `A forest of ${nodes} nodes is too large to be used.`);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
  const floats = new Float64Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  floats.set(leaves.values, leavesAt / 8);
  const roots = new Int32Array(trees.length);
  let first = 0;
  for (const [number, tree] of trees.entries()) {
    roots[number] = first * nodeBytes;
    layOut(tree, first, { floats, words }, (node) => leavesAt + leaves.of[number]![node]! * 8);
    first += tree.feature.length;
  }
  for (let task = 0; task < trees.length + beyondEnd; task++) {
    words[(tasksAt + task * taskBytes) / 4] = roots[Math.min(task, trees.length - 1)]!;
  }
  const kernel = instantiateKernel(memory, outputs);
  const rowOf = new Int32Array(rowsAtOnce);
  const scratch = { rowOf, treeOutput: new Float64Array(outputs), openNodes: [], openShares: [] };
  return {
    forest,
    voting,
    width,
    outputs,
    kernel,
    floats,
    words,
    roots,
    tasksAt,
    rowsAt,
    stride,
    rowsAtOnce,
    sumsAt,
    scratch,
  };
}

/** Writes a tree's nodes, siblings side by side, and first the branch that most training rows took. */
function layOut(
  tree: Tree,
  first: number,
  { floats, words }: { floats: Float64Array; words: Int32Array },
  addressOfLeaf: (node: number) => number,
): void {
  const open = [{ node: 0, at: first }];
  let free = first + 1;
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, at } = next;
    const word = (at * nodeBytes) / 4;
    const feature = tree.feature[node]!;
    if (feature < 0) {
      words[word] = addressOfLeaf(node);
      words[word + 1] = leafMark;
      words[word + childAt / 4] = at * nodeBytes;
      words[word + valueAt / 4] = slotBytes;
      continue;
    }
    floats[word / 2] = tree.threshold[node]!;
    words[word + childAt / 4] = free * nodeBytes;
    words[word + valueAt / 4] = slotBytes + feature * 8;
    const left = { node: tree.left[node]!, at: free };
    const right = { node: tree.right[node]!, at: free + 1 };
    open.push(...(tree.weight[left.node]! > tree.weight[right.node]! ? [right, left] : [left, right]));
    free += 2;
  }
}

/**
 * The values of leaves, or for a majority vote a one for the class they vote for, each distinct value once: most leaves are pure,
 * so that their values fit into the processor's cache. `of` holds by tree and node where a leaf's value begins.
 */
function distinctLeaves({ trees, outputs }: Forest, voting: Voting): { values: number[]; of: Int32Array[] } {
  const values: number[] = [];
  const known = new Map<string, number>();
  const of = trees.map((tree) => {
    const at = new Int32Array(tree.feature.length);
    for (let node = 0; node < at.length; node++) {
      if (tree.feature[node]! >= 0) continue;
      let leaf = tree.value.subarray(node * outputs, (node + 1) * outputs);
      if (voting === 'majority') {
        const vote = argmax(leaf, 0, outputs);
        leaf = new Float64Array(outputs);
        leaf[vote] = 1;
      }
      const key = leaf.join();
      const first = known.get(key) ?? values.length;
      if (first === values.length) {
        known.set(key, first);
        for (const value of leaf) values.push(value);
      }
      at[node] = first;
    }
    return at;
  });
  return { values, of };
}
