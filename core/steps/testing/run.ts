import { buildChain, type Chain, type ChainSession, type OwnSteps } from '../chain.ts';
import { InputRows } from '../input.ts';
import { inSegment, noTruth, type StepRows } from '../port.ts';
import type { StepSpec } from '../registry.ts';
import { valuesAt } from '../row-values.ts';
import { formatTime, timeOf } from '../time.ts';

/** A sample as a test writes it. */
export interface Sample {
  readonly device: string;
  readonly ns: bigint;
  readonly values: readonly number[];
  readonly truth?: number;
  readonly segment?: number;
  readonly received?: bigint;
}

/** A row that came out, as a value of its own. */
export interface Given {
  readonly device: string;
  readonly ns: string;
  readonly values: readonly number[];
  readonly truth: number;
  readonly segment: number;
  /** Index of the sample that completed it, over all batches. */
  readonly input: number;
  readonly window?: { readonly from: string; readonly samples: number; readonly missing: number };
}

export interface Outcome {
  readonly rows: Given[];
  readonly skips: string[];
  /** By step: all that its counts add up to. */
  readonly counts: ReturnType<typeof noCounts>[];
}

const noCounts = () => ({ given: 0, consumed: 0, duplicates: 0, merged: 0, evicted: 0, mixed: 0, skipped: 0 });

export const ms = (milliseconds: number): bigint => BigInt(Math.round(milliseconds * 1e6));

/** Samples as rows, each from a record of its own. */
export function rowsOf(input: InputRows, samples: readonly Sample[]): StepRows {
  input.begin();
  for (const { device, ns, values, truth = noTruth, segment = inSegment, received } of samples) {
    const record = { device, time: timeOf(ns), truth, segment };
    input.addSample(received === undefined ? record : { ...record, received: timeOf(received) }, values);
  }
  return input.rows();
}

/** A session that is given samples in batches, each committed, and everything that came of it. */
export class Run {
  session: ChainSession;
  readonly outcome: Outcome = { rows: [], skips: [], counts: [] };
  readonly #input: InputRows;
  #taken = 0;

  constructor(chain: Chain, width: number) {
    this.session = chain.open();
    this.#input = new InputRows(width);
  }

  /** Saves the state and continues in a new session that has loaded it. */
  restart(chain: Chain): void {
    const state = this.session.save();
    this.session = chain.open();
    this.session.load(state);
  }

  /** Gives one batch, without committing it. */
  apply(samples: readonly Sample[]) {
    return this.session.apply(rowsOf(this.#input, samples));
  }

  take(samples: readonly Sample[]): void {
    const { rows, outcomes, committed } = this.apply(samples);
    this.outcome.rows.push(...copied(rows, this.#taken));
    outcomes.forEach(({ use, given, skips, counts }, step) => {
      const all = this.outcome.counts[step] ?? noCounts();
      this.outcome.counts[step] = all;
      all.given += given;
      all.consumed += counts.consumed;
      all.duplicates += counts.duplicates;
      all.merged += counts.merged;
      all.evicted += counts.evicted;
      all.mixed += counts.mixed;
      all.skipped += skips.inputs.length;
      skips.inputs.forEach((input, at) => {
        const time = formatTime(skips.seconds[at]!, skips.nanoseconds[at]!);
        const device = rows.names[skips.devices[at]!]!;
        this.outcome.skips.push(`${use} ${skips.reasons[at]} ${device} ${time} ${input + this.#taken}`);
      });
    });
    committed();
    this.#taken += samples.length;
  }
}

export function copied(rows: StepRows, firstInput = 0): Given[] {
  const { windows } = rows;
  return Array.from({ length: rows.count }, (_, row) => ({
    device: rows.names[rows.devices[row]!]!,
    ns: formatTime(rows.seconds[row]!, rows.nanoseconds[row]!),
    values: [...valuesAt(rows, row)],
    truth: rows.truths[row]!,
    segment: rows.segments[row]!,
    input: rows.inputs[row]! + firstInput,
    ...(windows && {
      window: {
        from: formatTime(windows.fromSeconds[row]!, windows.fromNanoseconds[row]!),
        samples: windows.samples[row]!,
        missing: windows.missing[row]!,
      },
    }),
  }));
}

/** Gives all samples as one batch to a new session of a chain. */
export function runAll(
  specs: readonly StepSpec[],
  channels: readonly string[],
  samples: readonly Sample[],
  own?: OwnSteps,
): Outcome & { held: readonly number[]; channels: readonly string[] } {
  const chain = buildChain(specs, channels, own);
  const run = new Run(chain, channels.length);
  run.take(samples);
  return { ...run.outcome, held: run.session.held(), channels: chain.shape.channels };
}
