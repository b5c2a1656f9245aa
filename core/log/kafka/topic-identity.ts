import type { Cluster } from 'kafkajs';
import { KnownIds } from './known-ids.ts';
import { topicIdsWithin } from './topic-ids.ts';

/** A connection that breaks off at the wrong moment never answers; every later look, and with it every batch, would wait for it. */
const defaultAnswerMs = 5_000;

/** Sees when a topic is not the one any more that it was, though it has the same name: it was deleted and made anew. */
export class TopicIdentity {
  readonly #topics: readonly string[];
  readonly #remade: (topic: string) => void;
  readonly #known = new KnownIds();
  readonly #answerMs: number;
  #cluster: Cluster | undefined;
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
    this.#cluster = cluster;
  }

  /** Resolves once the ids were looked at; rejects where no broker answers. Kafka before 2.8 gives topics no ids: nothing is seen then. */
  check(): Promise<void> {
    // One after the other: a look that began earlier may have missed what the caller wants to know.
    this.#last = this.#last.catch(() => {}).then(() => this.#look());
    return this.#last;
  }

  async #look(): Promise<void> {
    const found = await topicIdsWithin(this.#answerMs, this.#cluster, this.#topics);
    for (const [topic, id] of found ?? []) {
      if (this.#known.isRemade(topic, id)) this.#remade(topic);
    }
  }
}
