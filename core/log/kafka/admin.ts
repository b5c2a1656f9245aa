import type { Admin, ConfigResourceTypes, ConfigSource, ITopicConfig } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';
import { GaplineError } from '../../wire/errors.ts';
import type { PartitionLag, TopicSpec } from '../port.ts';
import type { Client } from './client.ts';
import { isPassing, kafkaError, kafkaErrorType } from './errors.ts';

/** How old the metadata of a topic may be before it is looked up anew. */
const metadataMs = 5_000;
/** How long a topic may take to appear, or to find a new leader. */
const settleMs = 15_000;

/**
 * Kafka knew a topic but none of its partitions yet; or kafkajs left partitions out, or failed because they were missing: a look-up of one topic replaces the metadata that another call on the same
 * admin still needs.
 */
class Incomplete extends Error {}

/** What a partition holds: offsets from `low` up to but not including `high`, of what is committed for readers. */
export interface Extent {
  readonly partition: number;
  readonly low: bigint;
  readonly high: bigint;
}

/** Reads and changes the state of the broker: topics, their extents, the offsets of groups. */
export class KafkaAdmin {
  readonly #client: Client;
  #admin: Admin;
  #renewal: Promise<void> | undefined;
  readonly #leaders = new Map<string, { readonly leaders: Promise<readonly number[]>; readonly at: number }>();

  constructor(client: Client) {
    this.#client = client;
    this.#admin = client.kafka.admin();
  }

  /** Rejects with kafkajs's own error. */
  async connect(): Promise<void> {
    await this.#admin.connect();
  }

  async close(): Promise<void> {
    await this.#client.close(() => this.#admin.disconnect());
  }

  /** Ends at once what is still tried. */
  kill(): void {
    this.#client.kill();
  }

  /** Retries until the partitions have settled. */
  async #retry<T>(cannot: string, work: (admin: Admin) => Promise<T>, passes = (_: unknown) => false): Promise<T> {
    const until = performance.now() + settleMs;
    for (;;) {
      const admin = this.#admin;
      try {
        return await work(admin);
      } catch (error) {
        // One that was replaced in the meantime was also disconnected.
        const isIncomplete = isOfIncomplete(error) || isOfKafkajs(error);
        const retries = isIncomplete || passes(error) || admin !== this.#admin || isPassing(error);
        if (!retries || performance.now() > until) {
          this.#renewUnlessAnswered(admin, error);
          throw kafkaError(cannot, error);
        }
        await sleep(50);
        if (!isIncomplete) await this.#renew(admin);
      }
    }
  }

  /** An admin of kafkajs whose broker is "not connected" may stay so for ever: the next caller gets another one, once that is connected. */
  #renewUnlessAnswered(admin: Admin, error: unknown): void {
    if (kafkaErrorType(error) === undefined && !isOfIncomplete(error) && !isOfKafkajs(error)) void this.#renew(admin);
  }

  /** kafkajs's admin never refreshes the leaders of partitions, so another one replaces it: for everybody at once, when it is connected. */
  async #renew(old: Admin): Promise<void> {
    if (this.#admin !== old) return;
    this.#renewal ??= this.#replace(old).finally(() => {
      this.#renewal = undefined;
    });
    await this.#renewal;
  }

  async #replace(old: Admin): Promise<void> {
    const fresh = this.#client.kafka.admin();
    const isConnected = await fresh.connect().then(
      () => true,
      () => false,
    );
    if (isConnected) this.#admin = fresh;
    // Nobody waits for that: on a connection that hangs it may take for ever, and so would everybody who waits for the renewal.
    (isConnected ? old : fresh).disconnect().catch(() => {});
  }

  /** The names of all topics. */
  async names(): Promise<Set<string>> {
    return new Set(await this.#retry('Topics cannot be listed', (admin) => admin.listTopics()));
  }

  /** @throws {GaplineError} `topic-mismatch` where one exists with fewer partitions. */
  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    const existing = await this.names();
    const missing = topics.filter(({ name }) => !existing.has(name));
    try {
      if (missing.length > 0) await this.#create(missing);
    } catch (error) {
      // Another process made them a moment earlier.
      if (kafkaErrorType(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
    }
    for (const { name, partitions } of topics) await this.#check(name, partitions);
    const old = topics.filter((spec) => existing.has(spec.name) && demanded(spec).length > 0);
    if (old.length > 0) await this.#configure(old);
  }

  /** Retried with another admin where kafkajs asks first for the metadata of topics that are gone. */
  async #create(topics: readonly TopicSpec[]): Promise<void> {
    const configs = { topics: topics.map(asConfig), waitForLeaders: false };
    await this.#retry('Topics cannot be made', (admin) => admin.createTopics(configs));
  }

  /** Gives existing topics the configuration without which they would lose records, and keeps the rest of theirs. */
  async #configure(topics: readonly TopicSpec[]): Promise<void> {
    const wanted = new Map(topics.map((spec) => [spec.name, demanded(spec)]));
    const resourcesOf = Array.from(wanted.keys(), (name) => ({ type: ofTopic, name }));
    const cannot = 'The configuration of topics cannot be changed';
    const { resources } = await this.#retry(cannot, (admin) =>
      admin.describeConfigs({ resources: resourcesOf, includeSynonyms: false }),
    );
    const changed = resources.flatMap(({ resourceName, configEntries }) => {
      const own = configEntries.filter(({ configSource }) => configSource === setOnTopic);
      const values = new Map(own.map(({ configName, configValue }) => [configName, configValue]));
      const due = (wanted.get(resourceName) ?? []).filter(({ name, value }) => values.get(name) !== value);
      if (due.length === 0) return [];
      for (const { name, value } of due) values.set(name, value);
      // Kafka replaces the whole configuration by what is sent.
      return [
        { type: ofTopic, name: resourceName, configEntries: Array.from(values, ([name, value]) => ({ name, value })) },
      ];
    });
    if (changed.length === 0) return;
    await this.#retry(cannot, (admin) => admin.alterConfigs({ validateOnly: false, resources: changed }));
  }

  async #check(name: string, wanted: number): Promise<void> {
    this.forget(name);
    const found = await this.#countOnceThere(name);
    if (found >= wanted) return;
    const detail =
      `Topic ${name} has ${found} partitions on Kafka where ${wanted} are wanted: ` +
      'ask for fewer, or add partitions while nothing is in it';
    throw new GaplineError('topic-mismatch', detail, { retryable: false });
  }

  /** A new topic takes a moment to appear, and another to have leaders. */
  async #countOnceThere(name: string): Promise<number> {
    const cannot = `Topic ${name} does not appear`;
    return await this.#retry(
      cannot,
      async (admin) => {
        await admin.fetchTopicMetadata({ topics: [name] });
        await admin.fetchTopicOffsets(name);
        return await this.partitionCount(name);
      },
      isBrokenOff,
    );
  }

  /** @throws {GaplineError} `topic-mismatch` where there is no such topic. */
  async partitionCount(topic: string): Promise<number> {
    return (await this.leaders(topic)).length;
  }

  /** The leading broker of each partition. */
  leaders(topic: string): Promise<readonly number[]> {
    const known = this.#leaders.get(topic);
    if (known) {
      if (known.at < performance.now() - metadataMs) void this.#refresh(topic, known.leaders);
      return known.leaders;
    }
    const leaders = this.#lookUp(topic);
    leaders.catch(() => this.forget(topic));
    this.#leaders.set(topic, { leaders, at: performance.now() });
    return leaders;
  }

  /** Nobody waits for it: while Kafka is unavailable, appends wait with what is known. */
  async #refresh(topic: string, known: Promise<readonly number[]>): Promise<void> {
    this.#leaders.set(topic, { leaders: known, at: performance.now() });
    try {
      const leaders = await this.#lookUp(topic);
      this.#leaders.set(topic, { leaders: Promise.resolve(leaders), at: performance.now() });
    } catch (error) {
      if (error instanceof GaplineError && error.code === 'topic-mismatch') this.forget(topic);
    }
  }

  async #lookUp(topic: string): Promise<readonly number[]> {
    const admin = this.#admin;
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = topics[0]?.partitions ?? [];
      if (partitions.length === 0) throw new Incomplete('Kafka tells of none of its partitions yet');
      return partitions.toSorted((a, b) => a.partitionId - b.partitionId).map(({ leader }) => leader);
    } catch (error) {
      if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') {
        throw new GaplineError('topic-mismatch', `Kafka has no topic ${topic}`, { cause: error, retryable: true });
      }
      this.#renewUnlessAnswered(admin, error);
      throw kafkaError(`Topic ${topic} cannot be looked up`, error);
    }
  }

  /** Drops the cached metadata of a topic. */
  forget(topic: string): void {
    this.#leaders.delete(topic);
  }

  async extents(topic: string): Promise<Extent[]> {
    const cannot = `The offsets of ${topic} cannot be read`;
    const offsets = await this.#retryWhole(cannot, topic, (admin) => admin.fetchTopicOffsets(topic));
    return offsets.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }));
  }

  /**
   * Reads it anew: rejects until the leader of the partition confirms it.
   * @throws {GaplineError} `topic-mismatch`, retryable, where there is no such partition.
   */
  async extentOf(topic: string, partition: number): Promise<Extent> {
    const found = (await this.extents(topic)).find((extent) => extent.partition === partition);
    if (found) return found;
    throw new GaplineError('topic-mismatch', `Topic ${topic} has no partition ${partition} now`, { retryable: true });
  }

  /** Retries until the answer has every partition of a topic: one that is missing would pass for an empty one, and be read from its beginning. */
  async #retryWhole<T>(
    cannot: string,
    topic: string,
    work: (admin: Admin) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    // One that is not there is said at once.
    await this.partitionCount(topic);
    return await this.#retry(cannot, async (admin) => {
      const count = await this.partitionCount(topic);
      const answer = await work(admin);
      if (answer.length < count)
        throw new Incomplete(`Kafka told of ${answer.length} of ${count} partitions of ${topic}`);
      return answer;
    });
  }

  /** By partition, the first offset that arrived at or after a time; the end where there is none. */
  async offsetsSince(topic: string, sinceMs: number): Promise<Map<number, bigint>> {
    const cannot = `The offsets of ${topic} cannot be read`;
    const fromMs = Math.ceil(sinceMs);
    const offsets = await this.#retryWhole(cannot, topic, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, fromMs));
    return new Map(offsets.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  /** What a group has committed by partition; a partition is missing where it has nothing. */
  async committed(group: string, topic: string): Promise<Map<number, bigint>> {
    const cannot = `The offsets of group ${group} cannot be read`;
    const all = await this.#retryWhole(cannot, topic, async (admin) => {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      return found?.partitions ?? [];
    });
    const pairs = all.map(({ partition, offset }) => [partition, BigInt(offset)] as const);
    return new Map(pairs.filter(([, offset]) => offset >= 0n));
  }

  async lag(group: string, topics: readonly string[]): Promise<PartitionLag[]> {
    const byTopic = topics.map(async (topic) => {
      const [extents, held] = await Promise.all([this.extents(topic), this.committed(group, topic)]);
      return extents.map(({ partition, low, high: end }) => {
        const known = held.get(partition) ?? low;
        // Retention may have passed a group, and a group may have committed since the end was read.
        const committed = known < low ? low : known;
        return { topic, partition, committed, end, lag: Math.max(0, Number(end - committed)) };
      });
    });
    const lags = (await Promise.all(byTopic)).flat();
    return lags.sort((a, b) => topics.indexOf(a.topic) - topics.indexOf(b.topic) || a.partition - b.partition);
  }

  /** Whether a group has members. One that died counts until its session expires. */
  async hasMembers(group: string): Promise<boolean> {
    const cannot = `Group ${group} cannot be looked at`;
    const { groups } = await this.#retry(cannot, (admin) => admin.describeGroups([group]));
    return groups.some(({ members }) => members.length > 0);
  }

  /** Writes where a group resumes. kafkajs joins the group for that, so it must have no members. */
  async setOffsets(
    group: string,
    topic: string,
    offsets: readonly { partition: number; offset: bigint }[],
  ): Promise<void> {
    const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    const cannot = `Group ${group} cannot be set back`;
    await this.#retry(cannot, (admin) => admin.setOffsets({ groupId: group, topic, partitions }));
  }

  /** Deletes a group without members. */
  async deleteGroup(group: string): Promise<void> {
    await this.#admin.deleteGroups([group]);
  }

  async deleteTopics(topics: string[]): Promise<void> {
    await this.#admin.deleteTopics({ topics });
  }
}

const isOfIncomplete = (error: unknown): boolean =>
  error instanceof Incomplete || (error instanceof GaplineError && error.cause instanceof Incomplete);

/** kafkajs stumbles over metadata that it lacks: after a look-up of another topic, or where no broker gave it any. */
const isOfKafkajs = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof Error && isOfKafkajs(error.cause));

/** A stage that starts while connections break off waits for its topics. */
const isBrokenOff = (error: unknown): boolean =>
  error instanceof Error && (error.name.startsWith('KafkaJSConnection') || isBrokenOff(error.cause));

/** Numbers of Kafka's protocol: kafkajs exports them so that Node cannot import them by name. */
const ofTopic = 2 as ConfigResourceTypes.TOPIC;
const setOnTopic = 1 as ConfigSource.TOPIC_CONFIG;

/** Lets a broker acknowledge only what is on its disk. */
const flushing = { name: 'flush.messages', value: '1' };

/**
 * A compacted topic grows until its newest segment is full, which Kafka never compacts: small ones, soon. The records of a checkpoint are
 * read back when a partition changes hands, so there should be few.
 */
const compacting = [
  { name: 'cleanup.policy', value: 'compact' },
  { name: 'segment.bytes', value: String(16 << 20) },
  { name: 'segment.ms', value: '600000' },
  { name: 'min.cleanable.dirty.ratio', value: '0.1' },
];

/** By age a broker would delete what is to stay: this a topic has to have, whoever made it. */
const demanded = ({ flush, compacted, replacedMs = 0 }: TopicSpec): readonly { name: string; value: string }[] => [
  ...(compacted ? compacting.slice(0, 1) : []),
  ...(replacedMs > 0 ? [replacedFor(replacedMs)] : []),
  ...(flush ? [flushing] : []),
];

const replacedFor = (ms: number) => ({ name: 'min.compaction.lag.ms', value: String(Math.round(ms)) });

const asConfig = ({ name, partitions, retentionMs, flush, compacted, replacedMs = 0 }: TopicSpec): ITopicConfig => ({
  topic: name,
  numPartitions: partitions,
  configEntries: [
    ...(replacedMs > 0 ? [replacedFor(replacedMs)] : []),
    ...(compacted ? compacting : [{ name: 'retention.ms', value: String(retentionMs) }]),
    // The time of arrival, never the reading's: by that a broker would delete backfilled data at once.
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    ...(flush ? [flushing] : []),
  ],
});
