import type { ClusterMetadata, Consumer } from '@platformatic/kafka';
import { sleep } from '../../../retry/sleep.ts';
import { Condition } from '../../condition.ts';
import type { MemberFetchOptions } from '../consuming.ts';
import { kafkaErrorType } from '../errors.ts';
import { KnownIds } from '../known-ids.ts';
import type { PrefetchBuffer } from '../prefetch-buffer.ts';
import { reportLostEnd, reportRemade } from '../remade-topic.ts';
import { committedRecords, type FetchResponse } from './records.ts';

const fetchWaitMs = 100;
const fetchPartitionBytes = 1 << 20;
const fetchBytes = 16 << 20;
const afterErrorMs = 100;
const readCommitted = 1;
/** The epoch of a leader is not checked: a fetch names the id of its topic. */
const anyEpoch = -1;

/** What a fetch asks for: where each buffer is, and of which topic. */
interface Asked {
  readonly topic: string;
  readonly id: string;
  readonly partition: number;
  readonly buffer: PrefetchBuffer;
  readonly from: bigint;
}

/** Fills buffers: one fetch at a time for each broker, of the partitions that it leads and whose buffers are not full. */
export class FetchLoops {
  readonly #reader: Consumer;
  readonly #options: MemberFetchOptions;
  readonly #changed: Condition;
  readonly #grown: () => void;
  readonly #room = new Condition();
  readonly #stopping = new AbortController();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #ids = new KnownIds();
  #topics: ClusterMetadata['topics'] = new Map();

  /** `grown` is called when a topic has other partitions than before. */
  constructor(reader: Consumer, options: MemberFetchOptions, changed: Condition, grown: () => void) {
    this.#reader = reader;
    this.#options = options;
    this.#changed = changed;
    this.#grown = grown;
  }

  /** Something may be fetched now that was not before. */
  wake(): void {
    this.#room.notifyAll();
  }

  /** Looks at the topics anew. Rejects where that is impossible. */
  async look(): Promise<void> {
    const { topics: names } = this.#options;
    const { topics, brokers } = await this.#reader.metadata({ topics: [...names], forceUpdate: true });
    const before = this.#topics;
    this.#topics = new Map(topics);
    for (const name of names) {
      const [old, now] = [before.get(name), topics.get(name)];
      if (now && this.#ids.isRemade(name, now.id)) this.#remade(name);
      if (!old || !now) continue;
      if (old.partitionsCount !== now.partitionsCount) this.#grown();
    }
    for (const node of brokers.keys()) {
      if (!this.#loops.has(node)) this.#loops.set(node, this.#fetchFrom(node));
    }
    this.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#reader.close(true);
  }

  async #fetchFrom(node: number): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let asked = this.#wanted(node);
      await this.#room.wait(signal, () => {
        asked = this.#wanted(node);
        return asked.length > 0;
      });
      if (signal.aborted) return;
      try {
        this.#fill(asked, await this.#fetch(node, asked));
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(asked, error);
      }
    }
  }

  #wanted(node: number): Asked[] {
    const { topics, bufferOf } = this.#options;
    const wanted: Asked[] = [];
    for (const topic of topics) {
      const { id, partitions } = this.#topics.get(topic) ?? { id: '', partitions: [] };
      for (const [partition, { leader }] of partitions.entries()) {
        const buffer = leader === node ? bufferOf(topic, partition) : undefined;
        if (buffer && !buffer.full) wanted.push({ topic, id, partition, buffer, from: buffer.next });
      }
    }
    return wanted;
  }

  #fetch(node: number, asked: readonly Asked[]): Promise<FetchResponse> {
    const topics = Array.from(
      Map.groupBy(asked, ({ id }) => id),
      ([topicId, own]) => ({
        topicId,
        partitions: own.map(({ partition, from }) => ({
          ...{ partition, fetchOffset: from, partitionMaxBytes: fetchPartitionBytes },
          ...{ currentLeaderEpoch: anyEpoch, lastFetchedEpoch: anyEpoch },
        })),
      }),
    );
    const limits = { maxWaitTime: fetchWaitMs, minBytes: 1, maxBytes: fetchBytes, isolationLevel: readCommitted };
    return this.#reader.fetch({ node, topics, ...limits });
  }

  #fill(asked: readonly Asked[], { responses }: FetchResponse): void {
    const byPlace = new Map(asked.map((each) => [`${each.id}/${each.partition}`, each]));
    for (const { topicId, partitions } of responses) {
      for (const fetched of partitions) {
        const one = byPlace.get(`${topicId}/${fetched.partitionIndex}`);
        // Moved meanwhile, or no longer ours, or the buffer of another owner.
        if (!one || one.buffer.next !== one.from || this.#topics.get(one.topic)?.id !== topicId) continue;
        if (this.#options.bufferOf(one.topic, one.partition) !== one.buffer) continue;
        const { records, last } = committedRecords(one.topic, fetched);
        if (last !== undefined) one.buffer.acceptRecords(records, last);
      }
    }
    this.#changed.notifyAll();
  }

  async #recover(asked: readonly Asked[], error: unknown): Promise<void> {
    const { logger, group } = this.#options;
    logger.debug({ err: error, group }, 'A fetch failed');
    try {
      await this.look();
      if (kafkaErrorType(error) === 'OFFSET_OUT_OF_RANGE') await this.#intoRange(asked);
    } catch (again) {
      logger.debug({ err: again, group }, 'The topics cannot be looked at');
    }
    await sleep(afterErrorMs);
  }

  /** Retention may have passed a buffer, or the log may have lost its end. */
  async #intoRange(asked: readonly Asked[]): Promise<void> {
    for (const { topic, partition, buffer, from } of asked) {
      const { low, high } = await this.#options.extentOf(topic, partition);
      if (buffer.next !== from) continue;
      if (from < low) buffer.startAt(low);
      else if (from > high) this.#lostEnd(topic, partition, high);
    }
  }

  #remade(topic: string): void {
    reportRemade(this.#options, topic);
    this.#changed.notifyAll();
  }

  #lostEnd(topic: string, partition: number, end: bigint): void {
    reportLostEnd(this.#options, { topic, partition, end });
    this.#changed.notifyAll();
  }
}
