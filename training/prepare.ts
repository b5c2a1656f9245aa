import { type Categories, type Dataset, encodeNames } from '../core/dataset/dataset.ts';
import { elementAt } from '../core/numeric/element.ts';
import { buildChain, type Chain, type OwnSteps } from '../core/steps/chain.ts';
import type { ChainRows, FactSession } from '../core/steps/facts/session.ts';
import { FactTable } from '../core/steps/facts/table.ts';
import { InputRows } from '../core/steps/input.ts';
import { onlyEndsSegment, type StepRows } from '../core/steps/port.ts';
import type { StepSpec } from '../core/steps/registry.ts';
import { valuesOf } from '../core/steps/row-values.ts';
import { nsOf, timeOf } from '../core/steps/time.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Fact } from '../core/wire/fact.ts';

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

/** Numbers of a batch, and rows, at most. */
const batchNumbers = 4_194_304;
const mostBatchRows = 16_384;

/**
 * Works readings through the steps as the line does, device by device in the order of their times. Windows that are open at the end
 * give no row. Facts are all known from the start: a row that lacks one is left out as `no-fact`.
 * @param dataset - its fields are the channels of the steps
 * @throws {GaplineError} `data-invalid` where it has no times, or no row comes of it
 */
export function prepareDataset(dataset: Dataset, { chain }: Pick<Preparation, 'chain'>): PreparedDataset {
  const { file, classes, segments } = dataset;
  // What looks at no time needs none: rows then follow each other as in the table.
  const times =
    dataset.times ?? (chain.byRow ? BigInt64Array.from(dataset.labels, (_, row) => BigInt(row)) : undefined);
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
  const made = new MadeRows(chain, dataset.facts ?? []);
  const session = chain.open();
  const input = new InputRows(dataset.width);
  const batchRows = Math.min(mostBatchRows, Math.ceil(batchNumbers / Math.max(1, dataset.width)));
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
  made.end();
  if (made.count === 0) throw new GaplineError('data-invalid', `${file}: the steps make no row of its ${order.length}`);
  return { file, fields: chain.shape.channels, classes, columns: [], notes: dataset.notes, ...made.columns() };
}

/** Rows of one batch. */
interface MadePart extends ChainRows {
  readonly labels: readonly number[];
}

/** Rows of all batches, as they come. */
class MadeRows {
  count = 0;
  readonly #width: number;
  readonly #gate: FactSession | undefined;
  readonly #facts = new FactTable();
  readonly #values: Float64Array[] = [];
  readonly #labels: number[] = [];
  readonly #devices: string[] = [];
  readonly #times: bigint[] = [];
  readonly #skipped: Record<string, number> = {};
  #mixed = 0;

  constructor({ shape, facts: plan }: Chain, facts: readonly Fact[]) {
    this.#width = shape.channels.length;
    this.#gate = plan?.open();
    this.#facts.commit(facts);
  }

  add(rows: StepRows): void {
    const { count, names, devices, seconds, nanoseconds, truths, segments } = rows;
    const kept: number[] = [];
    // The mere end of a segment is no row for a model.
    for (let row = 0; row < count; row++) if (segments[row] !== onlyEndsSegment) kept.push(row);
    const made: MadePart = {
      ...{ count: kept.length, ...copiedValues(rows, kept) },
      devices: kept.map((row) => elementAt(names, elementAt(devices, row))),
      seconds: kept.map((row) => elementAt(seconds, row)),
      nanoseconds: kept.map((row) => elementAt(nanoseconds, row)),
      labels: kept.map((row) => elementAt(truths, row)),
    };
    this.#push(this.#gate ? this.#covered(made, this.#gate) : made);
  }

  /** Rows whose facts are known; the label of each is kept where the line keeps the truth. */
  #covered(made: MadePart, gate: FactSession): MadePart {
    const { rows, skippedBy, committed } = gate.apply(made, this.#facts, (row) => ({ truth: `${made.labels[row]}` }));
    committed();
    for (const [reason, count] of skippedBy) this.#skip(reason, count);
    return { ...rows, width: this.#width, labels: rows.notes.map(({ truth }) => Number(truth)) };
  }

  #push({ count, values, devices, seconds, nanoseconds, labels }: MadePart): void {
    for (let row = 0; row < count; row++) {
      this.#labels.push(elementAt(labels, row));
      this.#devices.push(elementAt(devices, row));
      this.#times.push(nsOf(elementAt(seconds, row), elementAt(nanoseconds, row)));
    }
    this.#values.push(values);
    this.count += count;
  }

  /** No more rows come, so those that wait for a fact wait in vain. */
  end(): void {
    const waiting = this.#gate?.clear() ?? 0;
    if (waiting > 0) this.#skip('no-fact', waiting);
  }

  #skip(reason: string, count: number): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + count;
  }

  note(reasons: readonly string[], mixed: number): void {
    for (const reason of reasons) this.#skip(reason, 1);
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

/** What a step gives is its own, and valid until the next batch only. */
function copiedValues(rows: StepRows, kept: readonly number[]) {
  const { width, values } = valuesOf(rows, kept);
  return { width, values: values === rows.values ? values.slice() : values };
}
