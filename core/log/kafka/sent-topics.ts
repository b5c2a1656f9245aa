import type { Cluster } from 'kafkajs';
import { KnownIds } from './known-ids.ts';
import { topicIdsWithin } from './topic-ids.ts';

const answerMs = 5_000;

/**
 * The topics that a producer has sent records to, by their ids. An idempotent producer may send a batch again, because the broker knows the
 * sequence numbers that it has written. A topic that was deleted and made anew, or lost with all of Kafka, knows none: the batch may then
 * stand in the old topic and in the new one.
 */
export class SentTopics {
  readonly #cluster: () => Cluster | undefined;
  readonly #known = new KnownIds();
  readonly #looked = new Set<string>();

  constructor(cluster: () => Cluster | undefined) {
    this.#cluster = cluster;
  }

  /** Looks at topics before records are first sent to them. */
  async meet(topics: Iterable<string>): Promise<void> {
    const fresh = [...new Set(topics)].filter((topic) => !this.#looked.has(topic));
    // What cannot be looked at now counts as another topic later.
    if (fresh.length > 0) await this.#look(fresh).catch(() => {});
  }

  /** Rejects where a topic may be another one than the one that records were first sent to. */
  async demandSame(topics: Iterable<string>): Promise<void> {
    const all = [...new Set(topics)];
    const unknown = all.filter((topic) => !this.#looked.has(topic));
    const other = [...unknown, ...(await this.#look(all))];
    if (other.length > 0) throw new Error(`${other.join(', ')} may have been made anew while records were sent to it`);
  }

  /** @returns topics that are gone, or other ones than before */
  async #look(topics: readonly string[]): Promise<string[]> {
    const ids = await topicIdsWithin(answerMs, this.#cluster(), topics);
    for (const topic of topics) this.#looked.add(topic);
    if (ids === undefined) return [];
    return topics.filter((topic) => this.#known.isRemade(topic, ids.get(topic) ?? ''));
  }
}
