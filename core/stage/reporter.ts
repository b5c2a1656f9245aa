import { randomUUID } from 'node:crypto';
import { type DeadRecord, deadLetterKey, encodeDeadLetter } from '../wire/dead-letter.ts';
import { describeError } from '../wire/errors.ts';
import type { Status } from '../wire/status.ts';
import type { Stream } from '../wire/stream.ts';

export interface ReporterOptions {
  readonly stream: Stream;
  readonly stage: Status['stage'];
  /** Distinguishes the members of one stage. Default: a random one. */
  readonly instance?: string;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** The part of a status report that differs between stages. */
export type StageFigures = Omit<Status, 'stream' | 'stage' | 'instance' | 'at' | 'lastError'>;

/** A record for the topic of dead letters. */
export interface DeadLetterRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly value: Uint8Array;
}

/** What a stage reports of itself under its name: its status with the last error, and dead letters. */
export interface Reporter {
  /** The error is in the status from now on, in place of the one before. */
  noteError(error: unknown): void;
  /** What was noted is over: the status has it no longer, unless another error has come since. */
  endError(error: unknown): void;
  status(figures: StageFigures): Status;
  /**
   * The dead letter of a record that could never be processed, and why: an error or a text. It has `maxBytes` at most; default and more
   * in `encodeDeadLetter`.
   */
  deadLetter(record: DeadRecord, reason: unknown, maxBytes?: number): DeadLetterRecord;
}

export function createReporter(options: ReporterOptions): Reporter {
  const { stream, stage, instance = randomUUID(), now = Date.now } = options;
  let lastError: Status['lastError'];
  const timestamp = () => new Date(now()).toISOString();
  return {
    noteError(error) {
      lastError = { at: timestamp(), message: textOf(error) };
    },
    endError(error) {
      if (lastError?.message === textOf(error)) lastError = undefined;
    },
    status: (figures) => ({
      ...{ stream: stream.name, stage, instance, at: timestamp() },
      ...figures,
      ...(lastError && { lastError }),
    }),
    deadLetter: (record, reason, maxBytes) => ({
      topic: stream.topics.deadLetters,
      key: deadLetterKey(record.key),
      value: encodeDeadLetter(stage, record, textOf(reason), new Date(now()), maxBytes),
    }),
  };
}

const textOf = (reason: unknown): string => (typeof reason === 'string' ? reason : describeError(reason));
