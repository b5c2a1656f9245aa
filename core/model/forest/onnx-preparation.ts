import { elementAt } from '../../numeric/element.ts';
import { Attributes } from './onnx-attributes.ts';
import type { Message } from './protobuf.ts';

/** What a file does to a value of a column, in 32 bits, as ONNX Runtime computes it. */
interface Step {
  /** What stands in the place of a gap; undefined where gaps stay. */
  fill(column: number): number | undefined;
  /** Of a value that is there: a straight line, rising or falling. */
  apply(column: number, value: number): number;
  /** 1: greater values stay greater; -1: they become less; 0: all become one. */
  direction(column: number): number;
}

/** What a file does to rows before its trees, column by column: `Imputer` and `Scaler` of `ai.onnx.ml`. */
export class Preparation {
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** What the trees see of a value that is there. */
  apply(column: number, value: number): number {
    return this.#steps.reduce((prepared, step) => step.apply(column, prepared), Math.fround(value));
  }

  /** What the trees see of a gap; NaN where that is a gap too. */
  ofGap(column: number): number {
    return this.#steps.reduce(
      (prepared, step) => (Number.isNaN(prepared) ? (step.fill(column) ?? Number.NaN) : step.apply(column, prepared)),
      Number.NaN,
    );
  }

  direction(column: number): number {
    return this.#steps.reduce((product, step) => product * step.direction(column), 1);
  }
}

/**
 * The preparation that operators before the trees stand for.
 * @returns undefined where they do something else, or not one after the other from the graph's input
 */
export function readPreparation(
  graph: Message,
  before: readonly Message[],
  ensemble: Message,
): Preparation | undefined {
  const steps: Step[] = [];
  let value = graph.messages(11)[0]?.string(1);
  for (const operator of before) {
    const step = stepOf(operator);
    if (step === undefined || operator.string(1) !== value) return undefined;
    if (step !== 'nothing') steps.push(step);
    value = operator.string(2);
  }
  return steps.length === 0 || ensemble.string(1) === value ? new Preparation(steps) : undefined;
}

function stepOf(operator: Message): Step | 'nothing' | undefined {
  const attributes = new Attributes(operator);
  switch (operator.string(4)) {
    case 'Cast':
    case 'Identity':
      return 'nothing';
    case 'Imputer':
      return imputerStep(attributes);
    case 'Scaler':
      return scalerStep(attributes);
    default:
      return undefined;
  }
}

/** A list of one counts for every column. */
const ofColumn = (values: readonly number[], column: number, otherwise: number): number =>
  values.length === 0 ? otherwise : elementAt(values, values.length === 1 ? 0 : column);

function imputerStep(attributes: Attributes): Step | undefined {
  const values = attributes.numbers('imputed_value_floats');
  const replaced = attributes.number('replaced_value_float') ?? 0;
  // Where it replaces a number, a value that was measured may be that number.
  if (values.length === 0 || !Number.isNaN(replaced)) return undefined;
  return {
    fill: (column) => Math.fround(ofColumn(values, column, 0)),
    apply: (_, value) => value,
    direction: () => 1,
  };
}

/** (value - offset) * scale. Source: https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html */
function scalerStep(attributes: Attributes): Step {
  const offsets = attributes.numbers('offset');
  const scales = attributes.numbers('scale');
  return {
    fill: () => undefined,
    apply: (column, value) =>
      Math.fround(Math.fround(value - ofColumn(offsets, column, 0)) * ofColumn(scales, column, 1)),
    direction: (column) => Math.sign(ofColumn(scales, column, 1)),
  };
}

const bits = new DataView(new ArrayBuffer(4));
const infinityBits = 0x7f800000;

/** 32-bit floats in their order as whole numbers: 0 is zero, 1 the least above it, -1 the greatest below. */
function floatAt(order: number): number {
  bits.setUint32(0, order < 0 ? 0x80000000 + -order : order);
  return bits.getFloat32(0);
}

/**
 * The greatest 32-bit float for which a test holds that holds for all lesser ones; undefined where it holds for none.
 * Infinity where it holds for all.
 */
export function greatestFloat(holds: (value: number) => boolean): number | undefined {
  if (!holds(Number.NEGATIVE_INFINITY)) return undefined;
  let [low, high] = [-infinityBits, infinityBits];
  if (holds(Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(floatAt(middle))) low = middle;
    else high = middle;
  }
  return floatAt(low);
}
