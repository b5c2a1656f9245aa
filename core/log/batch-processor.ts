import type { Logger } from 'pino';
import { describeError, GaplineError } from '../wire/errors.ts';
import type { Checkpoints, CheckpointWrite } from './checkpoint.ts';
import type { Batch, Output, PipeHandlers, Positions, StoredRecord, Transformed } from './port.ts';
import { Interrupted, type RetryPolicy } from './retry-policy.ts';

/** Another member took the partition: this one must discard its uncommitted work. */
export class Fenced extends GaplineError {
  constructor(detail: string, cause?: unknown) {
    super('log-unavailable', detail, { cause, retryable: false });
    this.name = 'Fenced';
  }
}

/** What a dead letter may have: its usual size, and less where the log refuses that. */
const deadLetterSizes = [undefined, 16 << 10] as const;

export interface BatchProcessorOptions {
  readonly handlers: Pick<PipeHandlers, 'transform' | 'deadLetter' | 'passed' | 'checkpointRefused'>;
  readonly retry: RetryPolicy;
  /** Attempts before an error of a transform counts as permanent that does not state whether it is retryable. */
  readonly attempts: number;
  readonly logger: Logger;
  /**
   * Makes the outputs and the offset behind the batch's last record durable, together. Rejects with `retryable: false` where the outputs
   * are at fault; {@link Fenced} and {@link Interrupted} end the processing.
   */
  readonly commit: (batch: Batch, outputs: readonly Output[], checkpoint: CheckpointWrite | undefined) => Promise<void>;
  /** Of the partition number, shared by all of its inputs. */
  readonly checkpoints?: Checkpoints | undefined;
  /** Where the partition number stands in all inputs, before the batch in hand. */
  readonly positions?: () => Positions;
}

/**
 * Processes one batch: resolves once each record has its outputs or a dead letter, all committed. Rejects with {@link Fenced} or
 * {@link Interrupted}, where a first part of the batch may be committed.
 */
export type BatchProcessor = (batch: Batch) => Promise<void>;

/** How every engine treats a batch: retry, halve, write dead letters, and change the state only after the commit. */
export function createBatchProcessor(options: BatchProcessorOptions): BatchProcessor {
  const { handlers, retry, attempts, logger, commit, checkpoints, positions = () => new Map() } = options;

  async function processBatch(batch: Batch, triedWhole: boolean): Promise<void> {
    const [first, second] = batch.records;
    if (!first) return;
    // Part of a batch that failed as a whole: the full number of attempts is for the culprit, once it is alone.
    const tries = triedWhole && second ? 1 : attempts;
    let transformed: Transformed;
    try {
      transformed = await retry({ ...batch, attempts: tries }, () => handlers.transform(batch));
      await commitDurably(batch, transformed);
    } catch (error) {
      if (endsProcessing(error)) throw error;
      if (!second) return await writeDeadLetter(batch, first, error);
      const middle = batch.records.length >> 1;
      await processBatch({ ...batch, records: batch.records.slice(0, middle) }, true);
      return await processBatch({ ...batch, records: batch.records.slice(middle) }, true);
    }
    transformed.committed?.();
  }

  /** Nothing that stands in a topic stops a partition: where the log takes no dead letter at all, that is logged in its place. */
  async function writeDeadLetter(batch: Batch, record: StoredRecord, cause: unknown): Promise<void> {
    const refusal = await commitLetter(batch, record, cause);
    if (refusal !== undefined) {
      const { topic, partition, offset, value } = record;
      const about = { topic, partition, offset: String(offset), bytes: value.byteLength, reason: describeError(cause) };
      logger.error(about, `A record was skipped: its dead letter cannot be written: ${describeError(refusal)}`);
      await commitDurably(batch, { outputs: [] });
    }
    handlers.passed?.(record, cause);
  }

  /** Resolves with why the log takes no dead letter; undefined once one is committed. */
  async function commitLetter(batch: Batch, record: StoredRecord, cause: unknown): Promise<unknown> {
    let refusal: unknown;
    for (const maxBytes of deadLetterSizes) {
      try {
        const letter = handlers.deadLetter(record, cause, maxBytes);
        await commitDurably(batch, { outputs: [letter] });
        return undefined;
      } catch (error) {
        if (endsProcessing(error)) throw error;
        refusal = error;
      }
    }
    return refusal;
  }

  async function commitDurably(batch: Batch, { outputs, commutes }: Transformed): Promise<void> {
    const input = { topic: batch.topic, records: batch.records.length, commutes };
    const checkpoint = checkpoints?.due(positions, input);
    const task = { ...batch, attempts: Number.POSITIVE_INFINITY };
    if (!checkpoint || checkpoint.outputs.length === 0) {
      await retry(task, () => commit(batch, outputs, checkpoint));
      checkpoints?.committed(input, checkpoint);
      return;
    }
    try {
      await retry(task, () => commit(batch, [...outputs, ...checkpoint.outputs], checkpoint));
      checkpoints?.committed(input, checkpoint);
    } catch (error) {
      if (endsProcessing(error)) throw error;
      // Whether the outputs or the checkpoint are at fault shows without it. The one before it stays, and what it needs of the inputs.
      await retry(task, () => commit(batch, outputs, undefined));
      refuseCheckpoint(batch, checkpoints?.refused(input) ?? false, error);
    }
  }

  function refuseCheckpoint({ topic, partition }: Batch, isFirst: boolean, error: unknown): void {
    handlers.checkpointRefused?.(partition, error);
    if (!isFirst) return;
    const meaning = 'the batch is committed without it, and a restart replays more, from the one before';
    logger.error({ topic, partition }, `A checkpoint cannot be written: ${describeError(error)}; ${meaning}`);
  }

  return (batch) => processBatch(batch, false);
}

const endsProcessing = (error: unknown): boolean => error instanceof Interrupted || error instanceof Fenced;
