import { describeError, GaplineError } from '../wire/errors.ts';
import type { Batch, Output, PipeHandlers, Transformed } from './port.ts';
import { Interrupted, type Patience } from './retry-policy.ts';

/** Another member took the partition: this one must forget what it did. */
export class Fenced extends GaplineError {
  constructor(detail: string, cause?: unknown) {
    super('log-unavailable', detail, { cause, retryable: false });
    this.name = 'Fenced';
  }
}

export interface PumpOptions {
  readonly handlers: Pick<PipeHandlers, 'transform' | 'deadLetter'>;
  readonly patience: Patience;
  /** Tries before an unclear error of a transform counts as permanent. */
  readonly attempts: number;
  /**
   * Makes the outputs and the offset behind the batch's last record durable, together. Rejects with an error that says whether to try
   * again: `retryable: false` blames the outputs, {@link Fenced} and {@link Interrupted} end the pump.
   */
  readonly commit: (batch: Batch, outputs: readonly Output[]) => Promise<void>;
}

/**
 * Takes one batch through: resolves once each of its records is processed or a dead letter, all committed. Rejects with {@link Fenced} or
 * {@link Interrupted}, and then a first part of the batch may be committed, or with what keeps a dead letter from being written.
 */
export type Pump = (batch: Batch) => Promise<void>;

/** What all engines do with a batch: retry, halve, write dead letters, and change the state only after the commit. */
export function createPump({ handlers, patience, attempts, commit }: PumpOptions): Pump {
  async function pump(batch: Batch, triedWhole: boolean): Promise<void> {
    // A part of a batch that failed as a whole gets its many attempts once the culprit is alone.
    const tries = triedWhole && batch.records.length > 1 ? 1 : attempts;
    let made: Transformed;
    try {
      made = await patience({ ...batch, attempts: tries }, () => handlers.transform(batch));
      await committing(batch, made.outputs);
    } catch (error) {
      if (error instanceof Interrupted || error instanceof Fenced) throw error;
      if (batch.records.length === 1) return await bury(batch, error);
      const middle = batch.records.length >> 1;
      await pump({ ...batch, records: batch.records.slice(0, middle) }, true);
      return await pump({ ...batch, records: batch.records.slice(middle) }, true);
    }
    made.committed?.();
  }

  async function bury(batch: Batch, cause: unknown): Promise<void> {
    const record = batch.records[0]!;
    try {
      await committing(batch, [handlers.deadLetter(record, cause)]);
    } catch (error) {
      if (error instanceof Interrupted || error instanceof Fenced) throw error;
      const place = `${record.topic}/${record.partition}/${record.offset}`;
      throw new GaplineError('internal', `The dead letter of ${place} cannot be written: ${describeError(error)}`, {
        cause,
        retryable: false,
      });
    }
  }

  const committing = (batch: Batch, outputs: readonly Output[]) =>
    patience({ ...batch, attempts: Number.POSITIVE_INFINITY }, () => commit(batch, outputs));

  return (batch) => pump(batch, false);
}
