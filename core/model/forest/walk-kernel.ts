import { type Code, f64, get, i32, repeat, select, set, type WasmFunction, wasmModule } from './wasm.ts';

/**
 * The walk down the trees and the sum over their leaves, which is nearly all that a prediction costs, in WebAssembly:
 * there a comparison is a number, so that a step has no branch, and nothing checks bounds (docs/decisions/0040).
 *
 * Memory holds nodes of 16 bytes: the threshold (f64), the address of the left child, which the right one follows, and
 * the distance from a row's slot to the tested value. A leaf's child is itself and its threshold a NaN, so that walking on
 * does not leave it; the low word of that NaN is the address of what the leaf says. A row is a slot of 8 bytes, where the
 * address of its leaf is written, and then its values.
 */
export const nodeBytes = 16;
export const childAt = 8;
export const valueAt = 12;
/** The high word of a leaf's threshold: a NaN whatever the low word. */
export const leafMark = 0x7ff80000;
export const slotBytes = 8;
/** A task of `walkTrees`: the root's address, then a slot for the leaf's. */
export const taskBytes = 8;
export const taskSlotAt = 4;

/** Walks that go on side by side, so that the processor need not wait for one. */
const lanes = 8;
/** Steps between two looks at who has arrived. */
const steps = 4;
/** The kernels read and write this many rows or tasks beyond the end: there must be room, with roots in the tasks. */
export const beyondEnd = 2 * lanes;

export interface WalkKernel {
  /** Walks the rows of `stride` bytes from `rows` to `end` down one tree. */
  walkRows(rows: number, end: number, stride: number, root: number): void;
  /** Walks one row down the trees of the tasks from `tasks` to `end`. */
  walkTrees(tasks: number, end: number, row: number): void;
  /**
   * Adds what leaves say to sums: the leaves that the slots from `slots` to `end`, every `stride` bytes, lead to, to the
   * sums at `sums` and on, `sumStride` bytes further for each slot.
   */
  addLeaves(slots: number, end: number, stride: number, sums: number, sumStride: number): void;
}

/** `outputs` is how many numbers a leaf says. */
export function instantiateKernel(memory: WebAssembly.Memory, outputs: number): WalkKernel {
  const module = wasmModule([
    walkRows(),
    walkTrees(),
    outputs > mostUnrolled ? addLeavesInLoop(outputs) : addLeaves(outputs),
  ]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as WalkKernel;
}

/** Lanes hold a node and a row each; the next row to take is the first parameter. */
function walkRows(): WasmFunction {
  const [next, end, stride, root, arrived] = [0, 1, 2, 3, 4];
  const node = (lane: number) => 5 + lane;
  const row = (lane: number) => 5 + lanes + lane;
  const take = (lane: number): Code[] => [
    set(node(lane), select(get(root), get(node(lane)), get(arrived))),
    set(row(lane), select(get(next), get(row(lane)), get(arrived))),
    set(next, i32.add(get(next), i32.multiply(get(arrived), get(stride)))),
  ];
  const start = (lane: number): Code[] => [
    set(node(lane), get(root)),
    set(row(lane), get(next)),
    set(next, i32.add(get(next), get(stride))),
  ];
  const keep = (lane: number) => i32.store(get(row(lane)), get(node(lane)));
  const more = i32.less(get(next), get(end));
  const body = walk({ node, arrived, row: (lane) => get(row(lane)), start, keep, take, more });
  return { name: 'walkRows', parameters: 4, locals: 1 + 2 * lanes, body };
}

/** Lanes hold a node and a task each; the next task to take is the first parameter. */
function walkTrees(): WasmFunction {
  const [next, end, row, arrived] = [0, 1, 2, 3];
  const node = (lane: number) => 4 + lane;
  const task = (lane: number) => 4 + lanes + lane;
  const take = (lane: number): Code[] => [
    set(node(lane), select(i32.load(get(next)), get(node(lane)), get(arrived))),
    set(task(lane), select(get(next), get(task(lane)), get(arrived))),
    set(next, i32.add(get(next), i32.multiply(get(arrived), i32.constant(taskBytes)))),
  ];
  const start = (lane: number): Code[] => [
    set(node(lane), i32.load(get(next))),
    set(task(lane), get(next)),
    set(next, i32.add(get(next), i32.constant(taskBytes))),
  ];
  const keep = (lane: number) => i32.store(get(task(lane)), get(node(lane)), taskSlotAt);
  const more = i32.less(get(next), get(end));
  const body = walk({ node, arrived, row: () => get(row), start, keep, take, more });
  return { name: 'walkTrees', parameters: 3, locals: 1 + 2 * lanes, body };
}

interface Walk {
  /** The local that holds a lane's node, and the one that holds whether the lane looked at has arrived. */
  node(lane: number): number;
  arrived: number;
  /** The address of a lane's row. */
  row(lane: number): Code;
  /** Gives a lane its first task, or, if it has arrived, the next. */
  start(lane: number): Code[];
  take(lane: number): Code[];
  /** Writes down where the lane is. */
  keep(lane: number): Code;
  /** Whether there are tasks left. */
  more: Code;
}

/**
 * All lanes walk some steps; whoever has arrived takes the next task, without a branch. When no task is left, all walk
 * to their ends.
 */
function walk({ node, arrived, row, start, keep, take, more }: Walk): Code[] {
  const all = Array.from({ length: lanes }, (_, lane) => lane);
  const walkOn = Array.from({ length: steps }, () => all.map((lane) => step(node(lane), row(lane)))).flat();
  const child = (lane: number) => i32.load(get(node(lane)), childAt);
  const look = (lane: number) => [keep(lane), set(arrived, i32.equal(child(lane), get(node(lane)))), ...take(lane)];
  const anyUnderWay = all.map((lane) => i32.notEqual(child(lane), get(node(lane)))).reduce(i32.or);
  return [
    ...all.flatMap(start),
    repeat([...walkOn, ...all.flatMap(look)], more),
    repeat(walkOn, anyUnderWay),
    ...all.map(keep),
  ];
}

/** One step down: `node = node.child + (value >= node.threshold) * nodeBytes`. */
function step(node: number, row: Code): Code {
  const value = f64.load(i32.add(row, i32.load(get(node), valueAt)));
  const goesRight = f64.atLeast(value, f64.load(get(node)));
  return set(node, i32.add(i32.load(get(node), childAt), i32.shiftLeft(goesRight, Math.log2(nodeBytes))));
}

const mostUnrolled = 16;

/** Parameters: slots, end, stride, sums, sumStride. One local: the address of what the leaf says. */
function addLeaves(outputs: number): WasmFunction {
  const [slot, end, stride, sums, sumStride, leaf] = [0, 1, 2, 3, 4, 5];
  const add = (at: number) => f64.store(get(sums), f64.add(f64.load(get(sums), at), f64.load(get(leaf), at)), at);
  const body = repeat(
    [
      set(leaf, i32.load(i32.load(get(slot)))),
      ...Array.from({ length: outputs }, (_, output) => add(output * 8)),
      set(sums, i32.add(get(sums), get(sumStride))),
      set(slot, i32.add(get(slot), get(stride))),
    ],
    i32.less(get(slot), get(end)),
  );
  return { name: 'addLeaves', parameters: 5, locals: 1, body: [body] };
}

/** The same for many outputs. Two locals more: where the sum is, and where it ends. */
function addLeavesInLoop(outputs: number): WasmFunction {
  const [slot, end, stride, sums, sumStride, leaf, sum, sumEnd] = [0, 1, 2, 3, 4, 5, 6, 7];
  const inner = repeat(
    [
      f64.store(get(sum), f64.add(f64.load(get(sum)), f64.load(get(leaf)))),
      set(sum, i32.add(get(sum), i32.constant(8))),
      set(leaf, i32.add(get(leaf), i32.constant(8))),
    ],
    i32.less(get(sum), get(sumEnd)),
  );
  const body = repeat(
    [
      set(leaf, i32.load(i32.load(get(slot)))),
      set(sum, get(sums)),
      set(sumEnd, i32.add(get(sums), i32.constant(outputs * 8))),
      inner,
      set(sums, i32.add(get(sums), get(sumStride))),
      set(slot, i32.add(get(slot), get(stride))),
    ],
    i32.less(get(slot), get(end)),
  );
  return { name: 'addLeaves', parameters: 5, locals: 3, body: [body] };
}
