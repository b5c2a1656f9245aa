import {
  add,
  type Code,
  Frame,
  f64,
  get,
  i32,
  type Local,
  repeat,
  select,
  set,
  type WasmFunction,
  wasmModule,
} from '../../numeric/wasm.ts';

/**
 * The walk down the trees and the sum over their leaves, which is nearly all that a prediction costs, in WebAssembly:
 * there a comparison is a number, so that a step has no branch, and nothing checks bounds (docs/decisions/0040).
 *
 * Memory holds nodes of 16 bytes: the threshold (f64), the address of the left child, which the right one follows, and
 * the distance from a row's slot to the tested value. A leaf's child is itself and its threshold a NaN, so that walking on
 * does not leave it; the low word of that NaN is the address of the leaf's value. A row is a slot of 8 bytes, where the
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

/** Walks that run side by side, so that the processor need not wait for one. */
const lanes = 10;
/** Steps between two looks at who has arrived. */
const steps = 4;
/** Up to so many outputs of a leaf are added without a loop. */
const mostUnrolled = 16;
/** The kernels read and write this many rows or tasks beyond the end: there must be room, with roots in the tasks. */
export const beyondEnd = 2 * lanes;

export interface WalkKernel {
  /** Walks the rows of `stride` bytes from `rows` to `end` down one tree. */
  walkRows(rows: number, end: number, stride: number, root: number): void;
  /** Walks one row down the trees of the tasks from `tasks` to `end`. */
  walkTrees(tasks: number, end: number, row: number): void;
  /**
   * Adds the values of leaves to sums: the leaves that the slots from `slots` to `end`, every `stride` bytes, lead to, to the
   * sums at `sums` and on, `sumStride` bytes further for each slot.
   */
  addLeaves(slots: number, end: number, stride: number, sums: number, sumStride: number): void;
}

const eachLane = <T>(make: (lane: number) => T): T[] => Array.from({ length: lanes }, (_, lane) => make(lane));

/** @param outputs - how many numbers the value of a leaf has */
export function instantiateKernel(memory: WebAssembly.Memory, outputs: number): WalkKernel {
  const module = wasmModule([walkRows(), walkTrees(), addLeaves(outputs)]);
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as WalkKernel;
}

/** Lanes hold a node and a row each. */
function walkRows(): WasmFunction {
  const frame = new Frame();
  const [next, end, stride, root] = [
    frame.parameter('i32'),
    frame.parameter('i32'),
    frame.parameter('i32'),
    frame.parameter('i32'),
  ];
  const arrived = frame.local('i32');
  const nodes = eachLane(() => frame.local('i32'));
  const rows = eachLane(() => frame.local('i32'));
  const body = walk({
    nodes,
    arrived,
    rowOf: (lane) => get(rows[lane]!),
    start: (lane) => [set(nodes[lane]!, get(root)), set(rows[lane]!, get(next)), add(next, get(stride))],
    keep: (lane) => i32.store(get(rows[lane]!), get(nodes[lane]!)),
    take: (lane) => [
      set(nodes[lane]!, select(get(root), get(nodes[lane]!), get(arrived))),
      set(rows[lane]!, select(get(next), get(rows[lane]!), get(arrived))),
      add(next, i32.multiply(get(arrived), get(stride))),
    ],
    more: i32.lessUnsigned(get(next), get(end)),
  });
  return frame.function('walkRows', body);
}

/** Lanes hold a node and a task each. */
function walkTrees(): WasmFunction {
  const frame = new Frame();
  const [next, end, row] = [frame.parameter('i32'), frame.parameter('i32'), frame.parameter('i32')];
  const arrived = frame.local('i32');
  const nodes = eachLane(() => frame.local('i32'));
  const tasks = eachLane(() => frame.local('i32'));
  const body = walk({
    nodes,
    arrived,
    rowOf: () => get(row),
    start: (lane) => [
      set(nodes[lane]!, i32.load(get(next))),
      set(tasks[lane]!, get(next)),
      add(next, i32.constant(taskBytes)),
    ],
    keep: (lane) => i32.store(get(tasks[lane]!), get(nodes[lane]!), taskSlotAt),
    take: (lane) => [
      set(nodes[lane]!, select(i32.load(get(next)), get(nodes[lane]!), get(arrived))),
      set(tasks[lane]!, select(get(next), get(tasks[lane]!), get(arrived))),
      add(next, i32.multiply(get(arrived), i32.constant(taskBytes))),
    ],
    more: i32.lessUnsigned(get(next), get(end)),
  });
  return frame.function('walkTrees', body);
}

interface Walk {
  /** By lane, where it is. */
  nodes: readonly Local[];
  /** Whether the lane looked at has arrived at a leaf. */
  arrived: Local;
  /** The address of a lane's row. */
  rowOf(lane: number): Code;
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
function walk({ nodes, arrived, rowOf, start, keep, take, more }: Walk): Code[] {
  const lanesOn = nodes.flatMap((node, lane) => step(node, rowOf(lane)));
  const walkOn = new Array<Code>(steps).fill(lanesOn);
  const child = (node: Local) => i32.load(get(node), childAt);
  const look = (lane: number) => [
    keep(lane),
    set(arrived, i32.equal(child(nodes[lane]!), get(nodes[lane]!))),
    ...take(lane),
  ];
  const anyUnderWay = nodes.map((node) => i32.notEqual(child(node), get(node))).reduce(i32.or);
  return [
    ...eachLane(start).flat(),
    repeat([...walkOn, ...eachLane(look).flat()], more),
    repeat(walkOn, anyUnderWay),
    ...eachLane(keep),
  ];
}

/** One step down: `node = node.child + (value >= node.threshold) * nodeBytes`. */
function step(node: Local, row: Code): Code {
  const value = f64.load(i32.add(row, i32.load(get(node), valueAt)));
  const goesRight = f64.atLeast(value, f64.load(get(node)));
  return set(node, i32.add(i32.load(get(node), childAt), i32.shiftLeft(goesRight, Math.log2(nodeBytes))));
}

function addLeaves(outputs: number): WasmFunction {
  const frame = new Frame();
  const [slot, end, stride] = [frame.parameter('i32'), frame.parameter('i32'), frame.parameter('i32')];
  const [sums, sumStride] = [frame.parameter('i32'), frame.parameter('i32')];
  const [leaf, sum, sumEnd] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  const addOne = f64.store(get(sum), f64.add(f64.load(get(sum)), f64.load(get(leaf))));
  const addOutputs =
    outputs <= mostUnrolled
      ? Array.from({ length: outputs }, (_, output) => {
          const at = output * 8;
          return f64.store(get(sums), f64.add(f64.load(get(sums), at), f64.load(get(leaf), at)), at);
        })
      : [
          set(sum, get(sums)),
          set(sumEnd, i32.add(get(sums), i32.constant(outputs * 8))),
          repeat(
            [addOne, add(sum, i32.constant(8)), add(leaf, i32.constant(8))],
            i32.lessUnsigned(get(sum), get(sumEnd)),
          ),
        ];
  const body = repeat(
    [set(leaf, i32.load(i32.load(get(slot)))), ...addOutputs, add(sums, get(sumStride)), add(slot, get(stride))],
    i32.lessUnsigned(get(slot), get(end)),
  );
  return frame.function('addLeaves', [body]);
}
