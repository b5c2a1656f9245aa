import { type Categories, type Dataset, encodeNames } from '../core/dataset/dataset.ts';
import { elementAt } from '../core/numeric/element.ts';
import { buildChain, type Chain, type OwnSteps } from '../core/steps/chain.ts';
import { InputRows } from '../core/steps/input.ts';
import { onlyEndsSegment, type StepRows } from '../core/steps/port.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { nsOf, timeOf } from '../core/steps/time.ts';
import { GaplineError } from '../core/wire/errors.ts';

/** The steps that make rows of readings, before a model has them. */
export interface Preparation {
  /** The values of a reading that they take, in order. */
  readonly channels: readonly string[];
  readonly steps: readonly StepSpec[];
  readonly chain: Chain;
  /** Steps that are not Gapline's, loaded. */
  readonly ownSteps?: OwnSteps;
}

/** @throws {GaplineError} `config-invalid`, naming the step and the parameter */
export function preparationOf(
  steps: readonly StepSpec[],
  channels: readonly string[],
  ownSteps?: OwnSteps,
): Preparation {
  return { channels, steps, chain: buildChain(steps, channels, ownSteps), ...(ownSteps && { ownSteps }) };
}

/** What a hold-out has to know of the steps: see `HoldOutOptions`. */
export const marginOf = (preparation: Preparation | undefined): { marginNs?: number } =>
  preparation ? { marginNs: preparation.chain.shape.windows?.lengthNs ?? 0 } : {};

/** What the steps made of readings: rows of the model, and what became of the readings. */
export interface PreparedDataset extends Dataset {
  readonly devices: Categories;
  readonly times: BigInt64Array;
  /** Readings that the steps left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Rows whose samples do not agree on the truth: they have none. */
  readonly mixed: number;
}

const batchRows = 16_384;

/**
 * Works readings through the steps as the line does, device by device in the order of their times. Windows that are open at the end
 * give no row.
 * @param dataset - its fields are the channels of the steps
 * @throws {GaplineError} `data-invalid` where it has no times, or no row comes of it
 */
export function prepareDataset(dataset: Dataset, { chain }: Pick<Preparation, 'chain'>): PreparedDataset {
  const { times, file, classes, segments } = dataset;
  if (!times)
    throw new GaplineError('data-invalid', `${file}: steps need the time of each row; name its column with data.time`);
  const names = dataset.devices?.names ?? ['device'];
  const index = dataset.devices?.index ?? new Int32Array(dataset.count);
  const order = Int32Array.from({ length: dataset.count }, (_, row) => row);
  order.sort((a, b) => {
    const devices = elementAt(index, a) - elementAt(index, b);
    if (devices !== 0) return devices;
    const [first, second] = [elementAt(times, a), elementAt(times, b)];
    return first < second ? -1 : first > second ? 1 : a - b;
  });
  const made = new MadeRows(chain.shape.channels.length);
  const session = chain.open();
  const input = new InputRows(dataset.width);
  for (let first = 0; first < order.length; first += batchRows) {
    input.begin();
    for (const row of order.subarray(first, first + batchRows))
      input.addSample(
        {
          device: elementAt(names, elementAt(index, row)),
          time: timeOf(elementAt(times, row)),
          truth: elementAt(dataset.labels, row),
          ...(segments && { segment: elementAt(segments, row) }),
        },
        dataset.values.subarray(row * dataset.width, (row + 1) * dataset.width),
      );
    const { rows, outcomes, committed } = session.apply(input.rows());
    made.add(rows);
    for (const { skips, counts } of outcomes) made.note(skips.reasons, counts.mixed);
    committed();
  }
  if (made.count === 0) throw new GaplineError('data-invalid', `${file}: the steps make no row of its ${order.length}`);
  return { file, fields: chain.shape.channels, classes, columns: [], notes: dataset.notes, ...made.columns() };
}

/** Rows of all batches, as they come. */
class MadeRows {
  count = 0;
  readonly #width: number;
  readonly #values: Float64Array[] = [];
  readonly #labels: number[] = [];
  readonly #devices: string[] = [];
  readonly #times: bigint[] = [];
  readonly #skipped: Record<string, number> = {};
  #mixed = 0;

  constructor(width: number) {
    this.#width = width;
  }

  add({ count, columns, names, devices, seconds, nanoseconds, truths, segments }: StepRows): void {
    const values = new Float64Array(count * this.#width);
    let kept = 0;
    for (let row = 0; row < count; row++) {
      // The mere end of a segment is no row for a model.
      if (segments[row] === onlyEndsSegment) continue;
      for (let column = 0; column < this.#width; column++)
        values[kept * this.#width + column] = columns[column]?.[row] ?? Number.NaN;
      this.#labels.push(elementAt(truths, row));
      this.#devices.push(elementAt(names, elementAt(devices, row)));
      this.#times.push(nsOf(elementAt(seconds, row), elementAt(nanoseconds, row)));
      kept += 1;
    }
    this.#values.push(values.subarray(0, kept * this.#width));
    this.count += kept;
  }

  note(reasons: readonly string[], mixed: number): void {
    for (const reason of reasons) this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
    this.#mixed += mixed;
  }

  columns() {
    const values = new Float64Array(this.count * this.#width);
    let at = 0;
    for (const part of this.#values) {
      values.set(part, at);
      at += part.length;
    }
    return {
      count: this.count,
      width: this.#width,
      values,
      labels: Int32Array.from(this.#labels),
      devices: encodeNames(this.#devices),
      times: BigInt64Array.from(this.#times),
      skipped: this.#skipped,
      mixed: this.#mixed,
    };
  }
}
