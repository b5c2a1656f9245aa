import type { Logger } from 'pino';
import type { GaplineError } from '../../wire/errors.ts';
import type { Condition } from '../condition.ts';
import type { PrefetchBuffer } from './prefetch-buffer.ts';
import type { RequestBatch } from './split.ts';

/** A partition as one group reads it. */
export interface GroupPartition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** What a fetcher needs to know, whatever client fetches. */
export interface FetchOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
  /** Where fetched records go; undefined for partitions that this member no longer reads. */
  readonly bufferOf: (topic: string, partition: number) => PrefetchBuffer | undefined;
  /** The group was joined, again or for the first time, with these partitions of each topic. */
  readonly assigned: (partitions: Readonly<Record<string, readonly number[]>>) => void;
  /** A topic was deleted and made anew: its buffers must {@link PrefetchBuffer.restart}. */
  readonly remade: (topic: string) => void;
  /** A partition of the same topic ends at `end` now, before what was fetched of it: its buffer must restart there. */
  readonly lostEnd: (topic: string, partition: number, end: bigint) => void;
  /** What a partition holds, as its leader confirms it. */
  readonly extentOf: (topic: string, partition: number) => Promise<{ readonly low: bigint; readonly high: bigint }>;
  /** It cannot recover by itself. */
  readonly failed: (error: GaplineError) => void;
}

/** As {@link FetchOptions}, for a member that shares the partitions of its topics with others. */
export interface MemberFetchOptions extends FetchOptions {
  /** The partition numbers that this member works on. */
  readonly owned: () => readonly number[];
}

/** A member of a Kafka group that keeps buffers filled. */
export interface MemberFetcher {
  /** Notified when buffers got records and when the membership was confirmed. */
  readonly changed: Condition;
  /** Connects; joins the group in the background. */
  start(): Promise<void>;
  /** Leaves the group. */
  stop(): Promise<void>;
  /** Resumes a partition whose buffer was full, once it is not. */
  resume(buffer: PrefetchBuffer): void;
  /** Fetches again from where a buffer is now. */
  seek(buffer: PrefetchBuffer): void;
  /** Commits as a member; Kafka refuses it from one that was removed from the group. */
  commitOffset(place: GroupPartition, next: bigint): Promise<void>;
  /**
   * Looks whether the topics are the ones that they were, and reports those that are not. False where Kafka, before 2.8, gives topics no
   * ids, so that one that was made anew is told from one that lost its end by nothing.
   */
  identifyTopics(): Promise<boolean>;
  /** Resolves once the group confirmed, after the given moment (`performance.now()`), that this is a member. */
  provenSince(moment: number, signal: AbortSignal): Promise<void>;
}

/** A producer that has fenced all others with its transactional id. After any rejection it must be killed. */
export interface TransactionalProducer {
  /** Records and the offset of a group in one transaction. */
  commit(batches: Iterable<RequestBatch>, place: GroupPartition, next: bigint): Promise<void>;
  kill(): void;
  close(): Promise<void>;
}

/** The client by which the groups of a log consume and commit. */
export interface ConsumingClient {
  fetcher(options: MemberFetchOptions): Promise<MemberFetcher>;
  /** Resolves once others with the id are fenced. `fetcher` is the member on whose behalf it commits. */
  producer(transactionalId: string, fetcher: MemberFetcher): Promise<TransactionalProducer>;
}
