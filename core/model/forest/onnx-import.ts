import { elementAt } from '../../numeric/element.ts';
import { GaplineError } from '../../wire/errors.ts';
import { shorten } from '../../wire/problem.ts';
import { type Boosting, emptyTree, type Forest, type Tree } from './forest.ts';
import { Attributes } from './onnx-attributes.ts';
import { greatestFloat, type Preparation, readPreparation } from './onnx-preparation.ts';
import { isPassing, readScaling } from './onnx-scaling.ts';
import { Message } from './protobuf.ts';
import { belowIfFloatAtMost, belowIfFloatBelow, nextUp } from './thresholds.ts';

export interface ImportedForest {
  readonly forest: Forest;
  /** The file's names of the classes, in order; undefined in regression. */
  readonly classes: readonly string[] | undefined;
  /** Whether the file itself puts values in the place of gaps, in every column that a tree tests. */
  readonly fillsGaps: boolean;
  /** Whether any node sends gaps where a true comparison goes. Converters that know of no gaps send all of them the other way. */
  readonly routesGaps: boolean;
}

/**
 * Reads an ONNX file that holds a tree ensemble (`TreeEnsembleClassifier` or `TreeEnsembleRegressor` of `ai.onnx.ml`), as
 * skl2onnx writes for scikit-learn and onnxmltools for XGBoost and LightGBM. Labels are those of ONNX Runtime,
 * probabilities equal to rounding: that adds in 32 bits, we in 64.
 *
 * The number of columns is the greatest that a tree tests, plus one, unless `width` is more.
 *
 * @throws GaplineError `model-invalid`, naming what is not understood
 */
export function importOnnxForest(file: Uint8Array, shape: { width?: number } = {}): ImportedForest {
  try {
    const graph = new Message(file).message(7);
    if (!graph) throw invalid('it is no ONNX model');
    return readEnsemble(graph, shape.width);
  } catch (error) {
    if (error instanceof GaplineError) throw error;
    throw invalid('it is no ONNX model', error);
  }
}

function readEnsemble(graph: Message, wantedWidth: number | undefined): ImportedForest {
  const operators = graph.messages(1);
  const kindOf = (operator: Message) => operator.string(4) ?? 'nameless';
  const place = operators.findIndex((operator) => kindOf(operator).startsWith('TreeEnsemble'));
  const ensemble = operators[place];
  const doing = operators.filter((operator) => !isPassing(operator));
  if (!ensemble) throw invalid(`it has no tree ensemble: ${doing.map(kindOf).join(', ') || 'no operator'}`);
  const doubles = comparesDoubles(graph, operators);
  const preparation = doubles ? undefined : readPreparation(graph, operators.slice(0, place), ensemble);
  const scaling = readScaling(graph, operators, ensemble);
  const others = doing.filter((operator) =>
    operators.indexOf(operator) > place ? !scaling.operators.has(operator) : !preparation && operator !== ensemble,
  );
  if (others.length > 0) throw invalid(`it does more than one tree ensemble does: ${others.map(kindOf).join(', ')}`);
  const attributes = new Attributes(ensemble);
  const { classes, ...output } = readOutput(kindOf(ensemble), attributes, scaling.factor);
  const trees = readTrees(attributes, output, { doubles, preparation });
  const columns = 1 + trees.reduce((most, tree) => tree.feature.reduce((a, b) => Math.max(a, b), most), -1);
  const width = wantedWidth ?? columns;
  if (columns > width) throw invalid(`it tests column ${columns - 1} but rows have ${width} columns`);
  const { outputs, boosting } = output;
  const task = classes ? 'classification' : 'regression';
  const tested = new Set(trees.flatMap(({ feature }) => [...feature].filter((column) => column >= 0)));
  return {
    forest: { task, width, outputs, trees, ...(boosting ? { boosting } : {}) },
    classes,
    fillsGaps: preparation !== undefined && [...tested].every((column) => !Number.isNaN(preparation.ofGap(column))),
    routesGaps: attributes.integers('nodes_missing_value_tracks_true').includes(1),
  };
}

/** Inputs are 32-bit floats unless the file declares 64-bit ones and does not cast them. */
function comparesDoubles(graph: Message, operators: readonly Message[]): boolean {
  const doubleType = 11;
  const elementType = graph.message(11)?.message(2)?.message(1)?.integer(1);
  return elementType === doubleType && operators[0]?.string(4) !== 'Cast';
}

/** The values of the leaves, and how they become a prediction. */
interface EnsembleOutput {
  readonly outputs: number;
  readonly classes?: readonly string[] | undefined;
  readonly boosting?: Boosting;
  /** By tree and node, as `leafKey` joins them: a number for each output. */
  readonly leaves: ReadonlyMap<string, Float64Array>;
}

const leafKey = (tree: number, node: number) => `${tree}:${node}`;

/** @param factor - by what the file multiplies the scores after the trees */
function readOutput(kind: string, attributes: Attributes, factor: number): EnsembleOutput {
  if (kind === 'TreeEnsembleClassifier') return readClassifier(attributes, factor);
  if (kind === 'TreeEnsembleRegressor') return readRegressor(attributes, factor);
  if (kind === 'TreeEnsemble') throw invalid('TreeEnsemble is not supported: write it for version 3 of ai.onnx.ml');
  throw invalid(`it is a ${kind} and no tree ensemble`);
}

function readLeaves(
  attributes: Attributes,
  prefix: 'class' | 'target',
  outputs: number,
  outputOf: (id: number) => number,
  factor: number,
) {
  const trees = attributes.integers(`${prefix}_treeids`);
  const nodes = attributes.integers(`${prefix}_nodeids`);
  const ids = attributes.integers(`${prefix}_ids`);
  const weights = attributes.numbers(`${prefix}_weights`);
  const leaves = new Map<string, Float64Array>();
  for (const [at, id] of ids.entries()) {
    const key = leafKey(elementAt(trees, at), elementAt(nodes, at));
    const value = leaves.get(key) ?? new Float64Array(outputs);
    const output = outputOf(id);
    if (!(output < outputs)) throw invalid(`a leaf names class ${id} where there are ${outputs}`);
    value[output] = elementAt(value, output) + elementAt(weights, at) * factor;
    leaves.set(key, value);
  }
  return leaves;
}

function readClassifier(attributes: Attributes, factor: number): EnsembleOutput {
  const named = attributes.strings('classlabels_strings');
  const classes = named.length > 0 ? named : attributes.integers('classlabels_int64s').map(String);
  const outputs = classes.length;
  const base = attributes.numbers('base_values').map((value) => value * factor);
  const transform = attributes.string('post_transform') ?? 'NONE';
  // Of two classes, a file may hold the second's part only, whatever number it gives that class.
  const oneSided = outputs === 2 && new Set(attributes.integers('class_ids')).size === 1;
  // What is multiplied has to be sums of leaves, and not what becomes of these.
  if (factor !== 1 && (oneSided || transform !== 'NONE'))
    throw invalid(`it does more than one tree ensemble does: it multiplies the scores by ${factor}`);
  const leaves = readLeaves(attributes, 'class', outputs, (id) => (oneSided ? 1 : id), factor);
  if (transform === 'NONE' && base.length === 0) {
    const trees = new Set(attributes.integers('nodes_treeids')).size;
    const distributions = distributionsOf(leaves, trees, oneSided);
    if (distributions) return { outputs, classes, leaves: distributions };
  }
  const link = links.get(transform);
  if (!link || (oneSided && link !== 'logistic')) throw invalid(`post_transform ${transform} is not supported here`);
  // The softmax of zero and a sum is the logistic function of the sum.
  const sums = oneSided ? [0, base.at(-1) ?? 0] : classes.map((_, at) => base[at] ?? 0);
  return { outputs, classes, leaves, boosting: { base: Float64Array.from(sums), link: oneSided ? 'softmax' : link } };
}

const links = new Map<string, Boosting['link']>([
  ['NONE', 'identity'],
  ['LOGISTIC', 'logistic'],
  ['SOFTMAX', 'softmax'],
]);

/** Of a forest, whose leaves are written as distributions divided by the number of trees: those distributions. */
function distributionsOf(leaves: ReadonlyMap<string, Float64Array>, trees: number, oneSided: boolean) {
  const distributions = new Map<string, Float64Array>();
  for (const [key, parts] of leaves) {
    const shares = parts.map((part) => part * trees);
    const whole = shares.reduce((sum, share) => sum + share, 0);
    const slack = 1e-4;
    if (shares.some((share) => share < 0) || whole > 1 + slack || (!oneSided && whole < 1 - slack)) return undefined;
    // The file's floats have 32 bits: the sum of some is a hair beside 1.
    if (oneSided) shares.set([1 - Math.min(1, elementAt(shares, 1)), Math.min(1, elementAt(shares, 1))]);
    else shares.set(shares.map((share) => share / whole));
    distributions.set(key, shares);
  }
  return distributions;
}

function readRegressor(attributes: Attributes, factor: number): EnsembleOutput {
  const targets = attributes.integer('n_targets') ?? 1;
  if (targets !== 1) throw invalid(`it predicts ${targets} numbers at once`);
  const [base = 0] = attributes.numbers('base_values').map((value) => value * factor);
  const aggregate = attributes.string('aggregate_function') ?? 'SUM';
  const transform = attributes.string('post_transform') ?? 'NONE';
  if (transform !== 'NONE') throw invalid(`post_transform ${transform} is not supported in regression`);
  const leaves = readLeaves(attributes, 'target', 1, (id) => id, factor);
  if (aggregate === 'AVERAGE' && base === 0) return { outputs: 1, leaves };
  if (aggregate !== 'SUM') throw invalid(`aggregate_function ${aggregate} is not supported`);
  return { outputs: 1, leaves, boosting: { base: Float64Array.of(base), link: 'identity' } };
}

const mostColumns = 1 << 20;

/** A node as the file has it; `ifTrue` and `ifFalse` are the next nodes. */
interface Node {
  readonly id: number;
  readonly mode: string;
  readonly feature: number;
  readonly value: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  /** Whether a gap goes where a true comparison goes. */
  readonly gapIsTrue: boolean;
}

/** How the file compares: in 64 bits or 32, and what it does to values before. */
interface Comparing {
  readonly doubles: boolean;
  readonly preparation: Preparation | undefined;
}

function readTrees(attributes: Attributes, output: EnsembleOutput, comparing: Comparing): Tree[] {
  const trees = new Map<number, Map<number, Node>>();
  const numbers = attributes.integers('nodes_treeids');
  const column = <T>(name: string, values: T[]): T[] => {
    if (values.length !== numbers.length)
      throw invalid(`${name} has ${values.length} entries for ${numbers.length} nodes`);
    return values;
  };
  const integers = (name: string) => column(name, attributes.integers(name));
  const ids = integers('nodes_nodeids');
  const features = integers('nodes_featureids');
  const ifTrue = integers('nodes_truenodeids');
  const ifFalse = integers('nodes_falsenodeids');
  const modes = column('nodes_modes', attributes.strings('nodes_modes'));
  const values = column('nodes_values', attributes.numbers('nodes_values'));
  const gaps = attributes.integers('nodes_missing_value_tracks_true');
  for (const [at, number] of numbers.entries()) {
    const nodes = trees.get(number) ?? new Map<number, Node>();
    const node: Node = {
      id: elementAt(ids, at),
      mode: elementAt(modes, at),
      feature: elementAt(features, at),
      value: elementAt(values, at),
      ifTrue: elementAt(ifTrue, at),
      ifFalse: elementAt(ifFalse, at),
      gapIsTrue: gaps[at] === 1,
    };
    nodes.set(node.id, node);
    trees.set(number, nodes);
  }
  if (trees.size === 0) throw invalid('it has no trees');
  return Array.from(trees, ([number, nodes]) => readTree(number, nodes, output, comparing));
}

/** Walks from the root, the node that the file lists first, so that children come after their parents. */
function readTree(
  number: number,
  nodes: ReadonlyMap<number, Node>,
  { outputs, leaves }: EnsembleOutput,
  { doubles, preparation }: Comparing,
): Tree {
  const size = nodes.size;
  const tree = { ...emptyTree(size, outputs), gapsLeft: new Uint8Array(size) };
  tree.weight.fill(1);
  const [root] = nodes.keys();
  const open: { id: number; link?: Int32Array; parent: number }[] =
    root === undefined ? [] : [{ id: root, parent: -1 }];
  let at = 0;
  for (let next = open.pop(); next; next = open.pop(), at++) {
    const found = nodes.get(next.id);
    const node = found && preparation && !preparation.isEmpty ? asOfRaw(found, preparation) : found;
    if (!node || at >= size) throw invalid(`tree ${number} is no tree: a node is missing, or reached twice`);
    if (next.link) next.link[next.parent] = at;
    if (node.mode === 'LEAF') {
      tree.value.set(leaves.get(leafKey(number, node.id)) ?? [], at * outputs);
      continue;
    }
    if (!(node.feature >= 0 && node.feature < mostColumns))
      throw invalid(`tree ${number} tests column ${node.feature}`);
    const { below, ifBelow, ifNot } = comparisonOf(node, doubles);
    tree.feature[at] = node.feature;
    tree.threshold[at] = below;
    tree.gapsLeft[at] = node.gapIsTrue === (ifBelow === node.ifTrue) ? 1 : 0;
    open.push({ id: ifNot, link: tree.right, parent: at }, { id: ifBelow, link: tree.left, parent: at });
  }
  return tree;
}

/** A node that compares what was prepared, as one that compares the value as it came. */
function asOfRaw(node: Node, preparation: Preparation): Node {
  const { mode, value, feature } = node;
  if (mode === 'LEAF') return node;
  const strict = mode === 'BRANCH_LT' || mode === 'BRANCH_GTE';
  const test = (prepared: number) => (strict ? prepared < value : prepared <= value);
  const negated = mode === 'BRANCH_GT' || mode === 'BRANCH_GTE';
  if (!negated && mode !== 'BRANCH_LEQ' && mode !== 'BRANCH_LT') return node;
  const [ifTrue, ifFalse] = negated ? [node.ifFalse, node.ifTrue] : [node.ifTrue, node.ifFalse];
  const ofGap = preparation.ofGap(feature);
  const gapIsTrue = Number.isNaN(ofGap) ? node.gapIsTrue !== negated : test(ofGap);
  const always = { ...node, ifTrue, ifFalse, gapIsTrue, mode: 'BRANCH_LEQ', value: Number.POSITIVE_INFINITY };
  const never = { ...always, ifTrue: ifFalse, ifFalse: ifTrue, gapIsTrue: !gapIsTrue };
  const direction = preparation.direction(feature);
  if (direction === 0) return test(preparation.apply(feature, 0)) ? always : never;
  const holds = (raw: number) => test(preparation.apply(feature, raw));
  const last = direction > 0 ? greatestFloat(holds) : greatestFloat((raw) => !holds(raw));
  if (direction > 0) return last === undefined ? never : { ...always, value: last };
  // It falls: the test holds for what is greater than the last that fails it.
  if (last === undefined) return always;
  return last === Number.POSITIVE_INFINITY ? never : { ...always, mode: 'BRANCH_GT', value: last };
}

/** A comparison as "below a 64-bit threshold": that threshold, and the next nodes for a row below it and for any other. */
function comparisonOf({ mode, value, ifTrue, ifFalse }: Node, doubles: boolean) {
  const atMost = doubles ? nextUp(value) : belowIfFloatAtMost(value);
  const below = doubles ? value : belowIfFloatBelow(value);
  if (mode === 'BRANCH_LEQ') return { below: atMost, ifBelow: ifTrue, ifNot: ifFalse };
  if (mode === 'BRANCH_LT') return { below, ifBelow: ifTrue, ifNot: ifFalse };
  if (mode === 'BRANCH_GT') return { below: atMost, ifBelow: ifFalse, ifNot: ifTrue };
  if (mode === 'BRANCH_GTE') return { below, ifBelow: ifFalse, ifNot: ifTrue };
  throw invalid(`its trees test ${mode}; only comparisons of size are supported`);
}

function invalid(why: string, cause?: unknown): GaplineError {
  return new GaplineError('model-invalid', `The ONNX file cannot be used: ${shorten(why, 300)}.`, {
    cause,
    retryable: false,
  });
}
