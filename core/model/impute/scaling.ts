import type { Table } from '../rows.ts';
import { measured } from './column.ts';
import type { FittedTransform, TransformKind } from './schema.ts';
import { fitSimple } from './simple.ts';
import { fitTransforms, openTransform, type Transform } from './transform.ts';

/** How columns of any unit and shape are brought to a mean of 0 and a standard deviation of 1, fitted. */
export interface FittedScaling {
  readonly transforms: FittedTransform[];
  /** By column, of the transformed values: their mean and standard deviation. */
  readonly center: number[];
  readonly spread: number[];
}

/** Learns the scale of each column, and gives the table on it. */
export function fitScaling(table: Table, kind: TransformKind): { scaling: FittedScaling; scaled: Table } {
  const { count, width } = table;
  const transforms = fitTransforms(table, kind);
  const maps = transforms.map(openTransform);
  const scaled = { count, width, values: table.values.map((value, at) => maps[at % width]!.there(value)) };
  const center = fitSimple(scaled, 'mean');
  const spread = center.map((mean, column) => spreadOf(scaled, column, mean));
  scaled.values.forEach((value, at) => {
    scaled.values[at] = standardised(value, center[at % width]!, spread[at % width]!);
  });
  return { scaling: { transforms, center, spread }, scaled };
}

/** The standard deviation, 1 where there is none or it is beyond a double. */
function spreadOf(table: Table, column: number, mean: number): number {
  const values = measured(table, column);
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  const spread = Math.sqrt(sum / Math.max(1, values.length));
  return spread > 0 && Number.isFinite(spread) ? spread : 1;
}

/** In standard deviations from the mean, at most 10: one wild value shall not decide over all others. NaN stays NaN. */
function standardised(value: number, center: number, spread: number): number {
  return Math.min(10, Math.max(-10, (value - center) / spread));
}

/** A fitted scaling, opened for use. */
export class Scaling {
  readonly #fitted: FittedScaling;
  readonly #maps: readonly Transform[];

  constructor(fitted: FittedScaling) {
    this.#fitted = fitted;
    this.#maps = fitted.transforms.map(openTransform);
  }

  /** On the scale of the column; NaN stays NaN. */
  there(value: number, column: number): number {
    const { center, spread } = this.#fitted;
    return standardised(this.#maps[column]!.there(value), center[column]!, spread[column]!);
  }

  /** In the column's own unit. */
  back(scaled: number, column: number): number {
    const { center, spread } = this.#fitted;
    return this.#maps[column]!.back(center[column]! + spread[column]! * scaled);
  }
}
