import type { Consumer } from '@platformatic/kafka';
import { poll } from '../../../retry/poll.ts';
import { sleep } from '../../../retry/sleep.ts';
import { GaplineError } from '../../../wire/errors.ts';
import { Condition } from '../../condition.ts';
import { decodeOwned, spread } from '../assigner.ts';
import type { GroupPartition, MemberFetcher, MemberFetchOptions } from '../consuming.ts';
import { isAccessDenied, kafkaError, kafkaErrorType } from '../errors.ts';
import { MembershipProof } from '../membership-proof.ts';
import type { PrefetchBuffer } from '../prefetch-buffer.ts';
import type { ClientOptions } from './client-options.ts';
import { FetchLoops } from './fetch-loops.ts';
import type { Membership } from './producer.ts';

const assignerName = 'gapline-co-partitioning';
/** How often the topics are looked at: whether they are the same, and how many partitions they have. */
const lookMs = 2_000;
const rejoinMs = 200;
const leaveMs = 1_500;

/** A member of a Kafka group by @platformatic/kafka: one client for the group, and one that fetches, so that heartbeats never wait. */
export class PlatformaticFetcher implements MemberFetcher {
  readonly #client: ClientOptions;
  readonly #options: MemberFetchOptions;
  readonly changed = new Condition();
  #member: Consumer | undefined;
  #loops: FetchLoops | undefined;
  #stopLooking = () => {};
  readonly #proof = new MembershipProof(this.changed);
  #stopping = false;
  #joining = false;
  #unavailable = false;

  constructor(client: ClientOptions, options: MemberFetchOptions) {
    this.#client = client;
    this.#options = options;
  }

  get membership(): Membership {
    const { groupId = '', generationId = -1, memberId, coordinatorId } = this.#member ?? {};
    if (!memberId || coordinatorId === undefined || coordinatorId === null) {
      throw new GaplineError('log-unavailable', `This is no member of group ${groupId} now`, { retryable: true });
    }
    return { groupId, generationId, memberId, coordinatorId };
  }

  async start(): Promise<void> {
    const { group, topics, sessionTimeoutMs, owned, logger } = this.#options;
    const client = await import('@platformatic/kafka');
    const member: Consumer = new client.Consumer({
      ...this.#client,
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, sessionTimeoutMs / 4),
      protocols: [{ name: assignerName, version: 0 }],
      protocolsMetadata: () => Promise.resolve(Buffer.from(JSON.stringify(owned()))),
      partitionAssigner: (_current, members, _topics, metadata) => {
        const counts = topics.map((topic) => metadata.topics.get(topic)?.partitionsCount ?? 0);
        const claims = Array.from(members.values(), (each) => ({
          id: each.memberId,
          owned: decodeOwned(each.metadata === undefined ? undefined : Buffer.from(each.metadata)),
        }));
        return Array.from(spread(claims, Math.min(...counts)), ([memberId, partitions]) => ({
          memberId,
          assignments: new Map(topics.map((topic) => [topic, { topic, partitions }])),
        }));
      },
    });
    member.topics.trackAll(...topics);
    this.#member = member;
    this.#listen(member);
    const reader = new client.Consumer({ ...this.#client, groupId: group });
    reader.topics.trackAll(...topics);
    reader.on('error', (error) => logger.debug({ err: error }, 'A fetch failed'));
    this.#loops = new FetchLoops(reader, this.#options, this.changed, () => void this.#join());
    try {
      await this.#loops.look();
    } catch (error) {
      await this.stop();
      throw kafkaError(`${topics.join(', ')} cannot be followed`, error);
    }
    void this.#join();
    this.#stopLooking = poll(lookMs, async () => this.#loops?.look());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopLooking();
    const closed = Promise.allSettled([this.#loops?.stop(), this.#member?.close(true)]);
    await Promise.race([closed, sleep(leaveMs, { ref: false })]);
  }

  resume(buffer: PrefetchBuffer): void {
    if (!buffer.full) this.#loops?.wake();
  }

  seek(): void {
    // What is fetched from elsewhere is dropped when it arrives.
    this.#loops?.wake();
  }

  async commitOffset({ topic, partition }: GroupPartition, next: bigint): Promise<void> {
    await this.#member?.commit({ offsets: [{ topic, partition, offset: next, leaderEpoch: -1 }] });
  }

  async identifyTopics(): Promise<boolean> {
    await this.#loops?.look();
    return true;
  }

  provenSince(moment: number, signal: AbortSignal): Promise<void> {
    return this.#proof.since(moment, signal);
  }

  #listen(member: Consumer): void {
    const { group, logger, topics, assigned } = this.#options;
    const proven = () => {
      this.#proof.confirm();
      this.changed.notifyAll();
    };
    member.on('consumer:heartbeat:end', proven);
    member.on('consumer:group:join', ({ assignments = [] }) => {
      if (this.#unavailable) logger.info({ group }, 'Kafka is available again');
      this.#unavailable = false;
      // The only member of a group gets all partitions of each topic from the client, without being asked.
      const byTopic = topics.map((topic) => assignments.find((each) => each.topic === topic)?.partitions ?? []);
      const shared = (byTopic[0] ?? []).filter((number) => byTopic.every((own) => own.includes(number)));
      logger.debug({ group, partitions: shared }, 'Joined the group');
      assigned(Object.fromEntries(topics.map((topic) => [topic, shared])));
      this.#loops?.wake();
      proven();
    });
    // After a failed attempt to join again the client gives up.
    member.on('error', (error) => {
      logger.debug({ err: error, group }, 'The member joins again');
      void this.#join();
    });
  }

  /** Joins the group, again where it is joined, until that succeeds or cannot. */
  async #join(): Promise<void> {
    if (this.#joining) return;
    this.#joining = true;
    const { group, logger } = this.#options;
    while (!this.#stopping) {
      try {
        await this.#member?.joinGroup({});
        break;
      } catch (error) {
        if (this.#stopping) break;
        if (isAccessDenied(error) || kafkaErrorType(error) === 'INCONSISTENT_GROUP_PROTOCOL') {
          this.#fail(error);
          break;
        }
        if (!this.#unavailable)
          logger.warn({ group }, `${kafkaError('Kafka is unavailable', error).message}; trying again`);
        this.#unavailable = true;
        await sleep(rejoinMs);
      }
    }
    this.#joining = false;
  }

  #fail(error: unknown): void {
    const { group, failed } = this.#options;
    const why = isAccessDenied(error)
      ? 'Kafka denies this client access'
      : `The consumer of group ${group} cannot continue`;
    failed(new GaplineError('log-unavailable', kafkaError(why, error).message, { cause: error, retryable: false }));
  }
}
