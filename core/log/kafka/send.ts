import type { ICustomPartitioner, Message, Producer } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';
import type { KafkaAdmin } from './admin.ts';
import type { RequestBatch } from './split.ts';

/** How long the broker may take to have a request on all replicas. */
const replicationMs = 10_000;
/** How long to wait until this client and the producer agree on the leaders, and how often to check. */
const recheckMs = 50;
const maxChecks = 200;

interface TopicMessages {
  readonly topic: string;
  readonly messages: Message[];
}

/** One call of `sendBatch`: all of its messages go to one broker. */
interface Call {
  readonly topicMessages: TopicMessages[];
  leader: number | undefined;
  /** How often kafkajs has tried it. */
  attempts: number;
}

/** Each message knows its call, for the partitioner below. */
interface CalledMessage extends Message {
  call?: Call;
}

/** The messages of one call belong to several brokers by now. Nothing of this attempt was sent. */
class LeadersDiffer extends Error {
  /** Makes kafkajs give the call up. */
  readonly retriable = false;

  constructor() {
    super('The leaders of the partitions have changed');
    this.name = 'LeadersDiffer';
  }
}

/**
 * Routes each message to the partition that it names, and makes sure that one call goes to one broker. kafkajs calls this at each attempt,
 * with the leaders that it knows then.
 */
export const onOneBroker: ICustomPartitioner =
  () =>
  ({ message, partitionMetadata }) => {
    const { call, partition } = message as CalledMessage;
    if (!call || partition === undefined) throw new Error('A message was not sent by send()');
    const known = partitionMetadata[partition];
    const metadata =
      known?.partitionId === partition ? known : partitionMetadata.find((p) => p.partitionId === partition);
    if (message === call.topicMessages[0]?.messages[0]) {
      call.leader = metadata?.leader;
      call.attempts += 1;
    }
    if (metadata === undefined || metadata.leader !== call.leader) throw new LeadersDiffer();
    return partition;
  };

/**
 * Sends a request batch, each record once. kafkajs loses or duplicates records where one call goes to several brokers: when one of them
 * fails, its next attempt leaves out the partitions that have moved to a broker that answered already (they are lost), and repeats what a
 * slow broker is still writing (it is duplicated). So each call goes to one broker. If leaders move meanwhile, the call is given up before
 * anything is sent, and repeated by the same producer, whose sequence numbers keep the broker from storing a record twice.
 * Rejects with kafkajs's error; the outcome is unknown then.
 * @returns whether any of it was tried more than once, so that a topic that is another one by now may not be the only one that has it
 */
export async function send(
  sender: Pick<Producer, 'sendBatch'>,
  batch: RequestBatch,
  admin: Pick<KafkaAdmin, 'leaders' | 'forget'>,
): Promise<{ repeated: boolean }> {
  let pending: readonly TopicMessages[] = batch.topicMessages;
  let repeated = false;
  for (let check = 1; ; check++) {
    const calls = await byLeader(pending, admin);
    const outcomes = await Promise.all(
      calls.map((call) => sendCall(sender, call).catch((error: unknown) => new FailedCall(call, error))),
    );
    repeated ||= calls.some(({ attempts }) => attempts > 1);
    const failed = outcomes.filter((outcome) => outcome instanceof FailedCall);
    if (failed.length === 0) return { repeated };
    const final = failed.find(({ error }) => check === maxChecks || !(error instanceof LeadersDiffer));
    if (final) throw final.error;
    pending = failed.flatMap(({ call }) => call.topicMessages);
    for (const { topic } of pending) admin.forget(topic);
    await sleep(recheckMs);
  }
}

/** A call that may be repeated, or the reason why all of them are given up. */
class FailedCall {
  readonly call: Call;
  readonly error: unknown;

  constructor(call: Call, error: unknown) {
    this.call = call;
    this.error = error;
  }
}

async function sendCall(sender: Pick<Producer, 'sendBatch'>, { topicMessages }: Call): Promise<void> {
  const answers = await sender.sendBatch({ acks: -1, timeout: replicationMs, topicMessages });
  const wanted = topicMessages.reduce((sum, { messages }) => sum + new Set(messages.map((m) => m.partition)).size, 0);
  if (answers.length !== wanted) throw new Error(`Kafka answered for ${answers.length} of ${wanted} partitions`);
}

async function byLeader(pending: readonly TopicMessages[], admin: Pick<KafkaAdmin, 'leaders'>): Promise<Call[]> {
  const calls = new Map<number, Call>();
  for (const { topic, messages } of pending) {
    const leaders = await admin.leaders(topic);
    for (const [leader, own] of Map.groupBy(messages, ({ partition }) => leaders[partition ?? 0] ?? -1)) {
      const call: Call = calls.get(leader) ?? { topicMessages: [], leader, attempts: 0 };
      calls.set(leader, call);
      call.topicMessages.push({ topic, messages: own });
      for (const message of own) (message as CalledMessage).call = call;
    }
  }
  return [...calls.values()];
}
