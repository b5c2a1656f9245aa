import { Arena, bytesOf } from '../../numeric/arena.ts';
import type { BinnedColumns, ColumnShape } from './bins.ts';
import { bestBytes, type GrowKernel, instantiateGrowKernel, seenBytes } from './grow-kernel.ts';

/** What is the same for every node of every tree. */
export interface WorkOptions {
  readonly columns: BinnedColumns;
  /** Weight of a row by class; in regression a single one. */
  readonly classWeights: readonly number[];
  readonly minSamplesLeaf: number;
  readonly extraTrees: boolean;
}

/** A thread's own memory for growing trees, and the kernel that works on it. */
export interface Workspace extends WorkOptions {
  readonly kernel: GrowKernel;
  /** The rows of the tree at hand, ordered so that each node's stand together. */
  readonly samples: Uint32Array;
  /** Codes of near rows; see `GrowKernel.bringNear`. */
  readonly near: Uint16Array;
  readonly histogram: Int32Array;
  readonly seen: Uint8Array;
  /** The same, four bins at once. */
  readonly seenWords: Uint32Array;
  readonly draws: Int32Array;
  readonly known: Float64Array;
  readonly best: DataView;
}

/** So many codes stay near the processor: 256 KB. */
const mostNear = 1 << 17;

function lengths({ count, width, gapBin, shift }: ColumnShape, classes: number) {
  return {
    samples: count,
    near: Math.min(mostNear, count * width),
    histogram: (gapBin + 1) << shift,
    classes,
  };
}

/** Bytes of shared memory that one thread needs. */
export function workspaceBytes(shape: ColumnShape, classes: number): number {
  const { samples, near, histogram } = lengths(shape, classes);
  return bytesOf(
    [Uint32Array, samples],
    [Uint32Array, samples + 1],
    [Uint16Array, near],
    [Int32Array, histogram],
    [Uint8Array, seenBytes],
    [Int32Array, classes],
    ...new Array<[Float64ArrayConstructor, number]>(4).fill([Float64Array, classes]),
    [Uint8Array, bestBytes],
  );
}

export function openWorkspace(options: WorkOptions, from: number): Workspace {
  const { columns, classWeights, minSamplesLeaf, extraTrees } = options;
  const { samples, near, histogram, classes } = lengths(columns, classWeights.length);
  const arena = new Arena(columns.memory, from);
  const mine = {
    samples: arena.take(Uint32Array, samples),
    near: arena.take(Uint16Array, near),
    histogram: arena.take(Int32Array, histogram),
    seen: arena.take(Uint8Array, seenBytes),
    draws: arena.take(Int32Array, classes),
    known: arena.take(Float64Array, classes),
  };
  const weights = arena.take(Float64Array, classes);
  weights.set(classWeights);
  const best = arena.take(Uint8Array, bestBytes);
  const kernel = instantiateGrowKernel(columns.memory, {
    histogram: mine.histogram.byteOffset,
    seen: mine.seen.byteOffset,
    draws: mine.draws.byteOffset,
    known: mine.known.byteOffset,
    left: arena.take(Float64Array, classes).byteOffset,
    right: arena.take(Float64Array, classes).byteOffset,
    classWeights: weights.byteOffset,
    best: best.byteOffset,
    goRight: arena.take(Uint32Array, samples + 1).byteOffset,
    near: mine.near.byteOffset,
    rowCodes: columns.rowCodes.byteOffset,
    width: columns.width,
    classes,
    shift: columns.shift,
    minSamplesLeaf,
    extraTrees,
  });
  const seenWords = new Uint32Array(mine.seen.buffer, mine.seen.byteOffset, seenBytes / 4);
  return { ...options, ...mine, seenWords, kernel, best: new DataView(best.buffer, best.byteOffset, bestBytes) };
}
