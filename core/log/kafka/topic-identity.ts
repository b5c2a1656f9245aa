import type { Cluster } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';
import { KnownIds } from './known-ids.ts';
import { fetchTopicIds, firstVersionWithIds, type RequestSender } from './topic-ids.ts';

const metadataKey = 3;
/** A connection that breaks off at the wrong moment never answers; every later look, and with it every batch, would wait for it. */
const defaultAnswerMs = 5_000;

/** What kafkajs's cluster has beside its declared methods. */
interface ClusterInside extends Cluster {
  readonly brokerPool: {
    withBroker<T>(work: (on: { readonly broker: BrokerInside }) => Promise<T>): Promise<T | null>;
  };
}
interface BrokerInside {
  readonly connectionPool: RequestSender;
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
}

/** Sees when a topic is not the one any more that it was, though it has the same name: it was deleted and made anew. */
export class TopicIdentity {
  readonly #topics: readonly string[];
  readonly #remade: (topic: string) => void;
  readonly #known = new KnownIds();
  readonly #answerMs: number;
  #cluster: ClusterInside | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(topics: readonly string[], remade: (topic: string) => void, answerMs = defaultAnswerMs) {
    this.#topics = topics;
    this.#remade = remade;
    this.#answerMs = answerMs;
  }

  /** Whether Kafka gives topics ids. */
  get hasIds(): boolean {
    return this.#known.any;
  }

  /** The cluster of the consumer; kafkajs gives it to partition assigners only. */
  use(cluster: Cluster): void {
    this.#cluster = cluster as ClusterInside;
  }

  /** Resolves once the ids were looked at; rejects where no broker answers. Kafka before 2.8 gives topics no ids: nothing is seen then. */
  check(): Promise<void> {
    // One after the other: a look that began earlier may have missed what the caller wants to know.
    this.#last = this.#last.catch(() => {}).then(() => this.#look());
    return this.#last;
  }

  async #look(): Promise<void> {
    const found = await Promise.race([this.#fetch(), sleep(this.#answerMs, { ref: false }).then(() => null)]);
    if (found === null) throw new Error('No broker gives the ids of topics');
    for (const [topic, id] of found ?? []) {
      if (this.#known.isRemade(topic, id)) this.#remade(topic);
    }
  }

  /** Null where no broker answers; undefined where it gives no ids. */
  async #fetch(): Promise<ReadonlyMap<string, string> | null | undefined> {
    return await this.#cluster?.brokerPool.withBroker(async ({ broker }) => {
      const newest = broker.versions?.[metadataKey]?.maxVersion ?? 0;
      return newest < firstVersionWithIds ? undefined : await fetchTopicIds(broker.connectionPool, this.#topics);
    });
  }
}
