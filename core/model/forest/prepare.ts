import { availableParallelism } from 'node:os';
import { mostMemory, sharedMemory } from '../../numeric/arena.ts';
import { GaplineError } from '../../wire/errors.ts';
import { binColumns, columnBytes, columnShape, mostClasses } from './bins.ts';
import { rowMask } from './grow-kernel.ts';
import type { ForestJob } from './job.ts';
import { type Classification, classWeightsOf, type ForestOptions, type Regression } from './training-data.ts';
import { workspaceBytes } from './workspace.ts';

/** Below this many cells times trees a second thread costs more than it saves. */
const smallWork = 4e7;

/** Checks the data, cuts it into bins in shared memory, and fills in what the options leave out. */
export function prepareJob(input: Classification | Regression): ForestJob {
  const { values, count, width, options = {} } = input;
  check(input);
  const { extraTrees = false, trees = 100 } = options;
  const classes = 'targets' in input ? 1 : input.classes;
  const shape = columnShape(count, width, classes);
  const threads = input.threads ?? (count * width * trees < smallWork ? 1 : availableParallelism());
  const columnsEnd = columnBytes(shape);
  const ownBytes = workspaceBytes(shape, classes);
  const workspacesAt = Array.from({ length: Math.min(threads, trees) }, (_, thread) => columnsEnd + thread * ownBytes);
  const bytes = columnsEnd + workspacesAt.length * ownBytes;
  if (bytes > mostMemory) throw invalid(`${count} rows of ${width} columns need more than 4 GB of memory`);
  const memory = sharedMemory(bytes);
  return {
    columns: binColumns(memory, shape, values, 'labels' in input ? input.labels : undefined),
    ...('targets' in input ? { targets: shared(input.targets, count) } : {}),
    classWeights: 'labels' in input ? classWeightsOf(input, input.options?.classWeights) : [1],
    trees,
    seed: options.seed ?? 1,
    maxDepth: options.maxDepth ?? Infinity,
    minSamplesLeaf: options.minSamplesLeaf ?? 1,
    maxFeatures: columnsTried(width, options.maxFeatures ?? ('targets' in input ? 'all' : 'sqrt')),
    bootstrap: options.bootstrap ?? !extraTrees,
    extraTrees,
    nextTree: new Int32Array(new SharedArrayBuffer(4)),
    workspacesAt,
  };
}

function invalid(why: string): GaplineError {
  return new GaplineError('data-invalid', `A forest cannot be trained: ${why}.`);
}

function shared(targets: Float64Array, count: number): Float64Array {
  const copy = new Float64Array(new SharedArrayBuffer(count * 8));
  copy.set(targets.subarray(0, count));
  return copy;
}

function columnsTried(width: number, wanted: NonNullable<ForestOptions['maxFeatures']>): number {
  if (wanted === 'all') return width;
  if (wanted === 'sqrt') return Math.max(1, Math.floor(Math.sqrt(width)));
  if (wanted === 'log2') return Math.max(1, Math.floor(Math.log2(width)));
  return Math.min(width, Math.max(1, Math.floor(wanted < 1 ? wanted * width : wanted)));
}

function check(input: Classification | Regression): void {
  const { values, count, width, options = {} } = input;
  const outcomes = 'targets' in input ? input.targets : input.labels;
  if (count < 1 || width < 1) throw invalid(`there are ${count} rows of ${width} columns`);
  const { trees = 1, minSamplesLeaf = 1 } = options;
  if (!(trees >= 1 && minSamplesLeaf >= 1)) throw invalid('trees and minSamplesLeaf must be at least 1');
  if (count > rowMask) throw invalid(`${count} rows are more than ${rowMask}`);
  if (values.length < count * width || outcomes.length < count)
    throw invalid('there are fewer values or labels than rows');
  for (let at = 0; at < count * width; at++) {
    if (Math.abs(values[at]!) === Infinity)
      throw invalid(`row ${Math.floor(at / width)}, column ${at % width} is infinite`);
  }
  if ('targets' in input) {
    const row = input.targets.subarray(0, count).findIndex((target) => !Number.isFinite(target));
    if (row >= 0) throw invalid(`the target of row ${row} is not a finite number`);
    return;
  }
  const { labels, classes } = input;
  if (classes < 1 || classes > mostClasses) throw invalid(`${classes} classes are not between 1 and ${mostClasses}`);
  const row = labels.subarray(0, count).findIndex((label) => label < 0 || label >= classes);
  if (row >= 0) throw invalid(`the label of row ${row} is ${labels[row]}, not a class below ${classes}`);
  const weights = options.classWeights;
  if (Array.isArray(weights) && (weights.length !== classes || weights.some((weight) => !(weight >= 0)))) {
    throw invalid('classWeights must be one number, not negative, for each class');
  }
}
