import { GaplineError } from '../wire/errors.ts';

/** A record to be appended. Records of one key keep their order. */
export interface LogRecord {
  /** The device. Records without a key are spread over the partitions. */
  readonly key: string | null;
  /** Chooses the partition in the place of the key, so that records with different keys stay together. The log does not store it. */
  readonly partitionKey?: string;
  readonly value: Uint8Array;
}

/** A record as the log holds it. */
export interface StoredRecord extends LogRecord {
  readonly topic: string;
  readonly partition: number;
  /** Grows within a partition; holes are allowed. */
  readonly offset: bigint;
  /** When the log took it, in milliseconds since the epoch: the time of arrival, never the reading's. */
  readonly arrivedMs: number;
}

/** A record that a transform sends to a topic. */
export interface Output extends LogRecord {
  readonly topic: string;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly retentionMs: number;
  /** Over all partitions. Only the embedded engine bounds by size; undefined is no bound. */
  readonly retentionBytes?: number;
  /** Whether Kafka writes each batch to the disk before it acknowledges; else it does from memory. The embedded engine always does. */
  readonly flush?: boolean;
  /**
   * Keeps the last record of each key, whatever its age; those before it are deleted in time. Its records need a key. Default false: old records are deleted by age.
   */
  readonly compacted?: boolean;
  /**
   * Of a compacted topic: how long at least a record stays that another one has replaced, in milliseconds, so that a checkpoint's replay
   * finds it. Default 0. The embedded log keeps it for as long as a group or a checkpoint needs it.
   */
  readonly replacedMs?: number;
}

/** By topic, an offset: all records below it are taken. */
export type Positions = ReadonlyMap<string, bigint>;

/** The state of a partition number after all records below some positions. */
export interface Checkpoint {
  readonly positions: Positions;
  readonly state: Uint8Array;
}

/** Where the checkpoints of a pipe are kept, and how often one is written: when either bound is passed, with the next batch. */
export interface CheckpointOptions {
  /** A compacted topic of this pipe alone. */
  readonly topic: string;
  /** Default 100,000. */
  readonly everyRecords?: number;
  /** In milliseconds. Default 10 s. */
  readonly everyMs?: number;
  /**
   * The state after a replay of one input after the other, in the order of {@link PipeOptions.from}, is the state after the batches as they
   * were committed: inputs that alternate make no checkpoint due. Default false.
   */
  readonly inAnyOrder?: boolean;
}

/** Consecutive records of one partition of one topic. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly StoredRecord[];
  /** Aborted when the partition is revoked or the pipe stops: give up, what you return will not be committed. */
  readonly signal: AbortSignal;
}

/** What a transform makes of a batch. */
export interface Transformed {
  readonly outputs: readonly Output[];
  /** The change of state. Called once, after outputs and offsets are committed; never when they are not. Must not throw. */
  readonly committed?: () => void;
  /**
   * The state is the same whether this batch or one of another input comes first, as long as that one says so, too: it makes no checkpoint
   * due where it comes out of the order of {@link PipeOptions.from}. Default false.
   */
  readonly commutes?: boolean;
}

export interface CheckpointRequest {
  readonly approximate?: boolean;
}

/** The committed past of one partition number over all input topics of a pipe, to restore its state from. */
export interface History {
  /** By topic, where the group resumes. */
  readonly committed: Positions;
  /**
   * The last checkpoint that was committed. Undefined where there is none, where the group was set back to before it, or where records
   * since then are deleted, so that the state cannot be restored exactly.
   * @param options - `approximate` returns the last one in any case, as where Kafka forgot the offsets of the group
   */
  checkpoint(options?: CheckpointRequest): Promise<Checkpoint | undefined>;
  /**
   * The committed records from these positions on, batch by batch: one topic after the other, in the order of {@link PipeOptions.from}.
   * From the positions of a checkpoint on, that is the order in which the batches were committed. A topic that is not named is left out.
   */
  from(positions: Positions): AsyncIterable<readonly StoredRecord[]>;
  /** Records below the committed offset that arrived at or after `sinceMs`, in order by topic, batch by batch. */
  since(sinceMs: number): AsyncIterable<readonly StoredRecord[]>;
}

/** A failure that a pipe or drain is waiting out. */
export interface Stall {
  readonly topic: string;
  readonly partition: number;
  readonly error: unknown;
  readonly attempt: number;
  readonly nextTryMs: number;
}

export interface PipeHandlers {
  /** Called before the first batch of a partition number; rebuild its state here. A rejection is treated as a transform's. */
  assigned?(partition: number, history: History): Promise<void>;
  /** Called after the last batch of a partition number that this member no longer owns; forget its state. */
  revoked?(partition: number): void;
  /**
   * Makes outputs from a batch; must not change state itself. Within one member it never runs twice at a time for one partition number,
   * over all input topics; nor do `assigned` and `revoked`. A thrown error that says `retryable: true` stalls the partition with
   * backoff for ever; `false` halves the batch until the culprit is alone and becomes a dead letter; one that does not
   * say is tried `attempts` times and then counts as permanent.
   */
  transform(batch: Batch): Transformed | Promise<Transformed>;
  /**
   * The dead letter of a record that could never be processed; committed in its place. Where the log refused it, it is asked for
   * once more, of `maxBytes` bytes at most; where the log refuses that, too, the record is skipped and logged.
   */
  deadLetter(record: StoredRecord, error: unknown, maxBytes?: number): Output;
  /**
   * A record that could never be processed was passed: its dead letter is committed in its place. Change the state by it exactly as a
   * replay of the record does, which cannot know what became of it. Called once, as {@link Transformed.committed} is. Must not throw.
   */
  passed?(record: StoredRecord, error: unknown): void;
  /**
   * The committed state of a partition number, to be kept as a checkpoint; undefined where there is nothing to keep. Asked for between
   * batches' `committed`, by {@link PipeOptions.checkpoints}. Must not throw.
   */
  save?(partition: number): Uint8Array | undefined;
  /** Asked with each commit: whether the state has changed in a way that no replay gives, so that a checkpoint must go with the batch. */
  checkpointNow?(partition: number): boolean;
  /** The log takes no checkpoint of this state, mostly because it is too large: the one before it stays. Called each time. */
  checkpointRefused?(partition: number, error: unknown): void;
  /** Called at each failed attempt, so that a stall is seen. */
  stalled?(stall: Stall): void;
}

export interface PipeOptions {
  /**
   * Where there are several, checkpoints are written more often, unless `inAnyOrder` or {@link Transformed.commutes} says that there is no
   * need: with each batch of a topic that stands before that of the batch before. So those with few records come first.
   */
  readonly from: readonly string[];
  readonly group: string;
  /** Records a batch, at most. Default 5000. */
  readonly maxBatch?: number;
  /** Attempts before an error counts as permanent that does not state whether it is retryable. Default 5. */
  readonly attempts?: number;
  /** Keeps what `save` returns, together with the outputs and offsets of a batch. Default: no checkpoints. */
  readonly checkpoints?: CheckpointOptions;
}

export interface DrainOptions extends Omit<PipeOptions, 'checkpoints'> {
  readonly stalled?: (stall: Stall) => void;
}

/** A record that a sink refuses for good, and why. */
export interface Rejected {
  readonly record: StoredRecord;
  readonly reason: string;
}

/**
 * Takes a batch somewhere idempotent and resolves with the records that it refuses for good, mostly none. Their dead letters are
 * appended first, then the offsets are committed.
 * It throws by the same rules as {@link PipeHandlers.transform}.
 */
export type Sink = (batch: Batch) => Promise<readonly Rejected[]>;

/** A consumer that runs until it is stopped. */
export interface Running {
  /** Finishes and commits the batch in hand (for at most 8 s, on Kafka 6), then gives the partitions back. Safe to call twice. */
  stop(): Promise<void>;
  /** Rejects when the consumer cannot recover by itself; never resolves. */
  readonly failed: Promise<never>;
}

/** Thins out topics that grow fast: of each interval the first records are returned, the rest is skipped unread. */
export interface Sampling {
  /** The length of an interval, by time of arrival. */
  readonly everyMs: number;
  /** About how many records of one topic and interval are returned, spread over its partitions. */
  readonly records: number;
  /**
   * Called for records that are skipped: how many, and when their interval began, in milliseconds since the epoch. An engine that
   * cannot skip records returns all of them and never calls this.
   */
  skipped(topic: string, count: number, arrivedMs: number): void;
}

/** By topic and partition, the last offset that was read. */
export type ReadPositions = ReadonlyMap<string, ReadonlyMap<number, bigint>>;

export interface TailOptions {
  /** Where to begin: a time of arrival in milliseconds, `0` for the oldest record kept, or `now`. */
  readonly since: number | 'now';
  /**
   * Where to resume: behind these offsets, in place of `since`, in the partitions that are named. A partition that ends before its
   * offset was made anew, and is read from its first record on.
   */
  readonly after?: ReadPositions;
  /** False ends the iteration at the end that the topics had when it began. Default true. */
  readonly follow?: boolean;
  /**
   * Where to end, as with `follow: false`: before the first record that arrived at or after this time, in milliseconds. What lies before
   * it and what a tail with this time as `since` reads are together all records, each once.
   */
  readonly until?: number;
  readonly signal?: AbortSignal;
  /** Undefined returns every record. */
  readonly sampling?: Sampling;
}

export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  /** The next offset that the group will take; the oldest one where it has committed nothing. */
  readonly committed: bigint;
  readonly end: bigint;
  readonly lag: number;
}

/** How many records a group is behind in all. */
export const totalLag = (partitions: readonly PartitionLag[]): number =>
  partitions.reduce((sum, { lag }) => sum + lag, 0);

/** How far a group was set back in a partition: it resumes at the record `to` instead of `from`. */
export interface Rewound {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

export interface RewindOptions {
  /** Only returns what would be done. Default false. */
  readonly dryRun?: boolean;
}

/**
 * The event log: one contract, several engines (`sqlite.ts`, `kafka.ts`), one suite (`contract.ts`) that each must pass.
 * Order is kept by key. Reads see committed records only.
 */
export interface EventLog {
  /** Opens files or connections. Rejects with the cause and a remedy. */
  start(): Promise<void>;
  /** Stops every consumer, then closes. Safe to call twice. */
  stop(): Promise<void>;
  /**
   * Makes topics that are missing; one that exists with more partitions is taken as it is.
   * @throws {GaplineError} `topic-mismatch` where one exists with fewer partitions.
   */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /**
   * Resolves once all records are durable; waits while the log is slow, for at most `deadlineMs`.
   * @throws {AppendError} with the outcome; `unknown` means that the records may be there or may appear later.
   */
  append(topic: string, records: readonly LogRecord[], options: { deadlineMs: number }): Promise<void>;
  /** Starts a member of a group that reads, transforms and writes: outputs and offsets commit together or not at all. */
  pipe(options: PipeOptions, handlers: PipeHandlers): Promise<Running>;
  /** Starts a member of a group that takes records elsewhere, at least once. `rejected` makes the dead letter of a refused record. */
  drain(
    options: DrainOptions,
    sink: Sink,
    rejected: (record: StoredRecord, reason: unknown, maxBytes?: number) => Output,
  ): Promise<Running>;
  /** Watches topics without a group: nothing is committed and nothing is left behind. Ends when the signal aborts or the log stops. */
  tail(topics: readonly string[], options: TailOptions): AsyncIterable<readonly StoredRecord[]>;
  /** How far a group is behind, by partition. */
  lag(group: string, topics: readonly string[]): Promise<readonly PartitionLag[]>;
  /**
   * Sets a group back, so that it takes again the records that arrived at or after a time. Never forward; what retention deleted is gone.
   * A group that has committed nothing stays as it is.
   * @throws {GaplineError} `group-active` where the group has a member at work; nothing is changed then. Not with `dryRun`.
   */
  rewind(
    group: string,
    topics: readonly string[],
    sinceMs: number,
    options?: RewindOptions,
  ): Promise<readonly Rewound[]>;
}

/** A group with members at work is not moved. */
export const groupActive = (group: string): GaplineError =>
  new GaplineError('group-active', `group ${group} has a member at work`, { retryable: true });

/** A failed append. Retryable either way; what differs is whether a retry may make an extra record. */
export class AppendError extends GaplineError {
  /** `refused`: the log holds none of the records. `unknown`: it may hold all or some of them. */
  readonly outcome: 'refused' | 'unknown';

  constructor(outcome: 'refused' | 'unknown', detail: string, cause?: unknown) {
    super('log-unavailable', detail, { cause, retryable: true });
    this.name = 'AppendError';
    this.outcome = outcome;
  }
}
