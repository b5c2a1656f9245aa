import type { ICustomPartitioner, Message, Producer } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';
import type { KafkaAdmin } from './admin.ts';
import type { RequestBatch } from './split.ts';

/** How long the broker may take to have a request on all replicas. */
const replicationMs = 10_000;
/** How long to wait for what is known of the leaders to agree, and how often to look. */
const lookAgainMs = 50;
const looks = 200;

interface TopicMessages {
  readonly topic: string;
  readonly messages: Message[];
}

/** One call of `sendBatch`: all of its messages go to one broker. */
interface Call {
  readonly topicMessages: TopicMessages[];
  leader: number | undefined;
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
 * Takes each message where it says, and sees to it that one call goes to one broker. kafkajs asks this at each attempt, with the leaders
 * that it knows then.
 */
export const onOneBroker: ICustomPartitioner =
  () =>
  ({ message, partitionMetadata }) => {
    const { call, partition } = message as CalledMessage;
    if (!call || partition === undefined) throw new Error('A message was not sent by send()');
    const known = partitionMetadata[partition];
    const metadata =
      known?.partitionId === partition ? known : partitionMetadata.find((p) => p.partitionId === partition);
    if (message === call.topicMessages[0]?.messages[0]) call.leader = metadata?.leader;
    if (metadata === undefined || metadata.leader !== call.leader) throw new LeadersDiffer();
    return partition;
  };

/**
 * Sends a batch, each record once. kafkajs cannot be trusted with several brokers in one call: where one of them fails, its next
 * attempt passes over partitions that have moved to a broker that answered already (they are lost), and repeats what a slow broker is still
 * taking (it is doubled). So each call goes to one broker; if leaders move under it, the call is given up before anything is sent, and
 * sent anew by the same producer, whose sequence numbers keep the broker from taking anything twice.
 * Rejects with kafkajs's error; the outcome is unknown then.
 */
export async function send(
  sender: Pick<Producer, 'sendBatch'>,
  batch: RequestBatch,
  admin: Pick<KafkaAdmin, 'leaders' | 'forget'>,
): Promise<void> {
  let pending: readonly TopicMessages[] = batch.topicMessages;
  for (let look = 1; ; look++) {
    const calls = await byLeader(pending, admin);
    const results = await Promise.allSettled(calls.map((call) => sendCall(sender, call)));
    const failed = calls.flatMap((call, at) => {
      const result = results[at]!;
      return result.status === 'rejected' ? [{ call, error: result.reason as unknown }] : [];
    });
    if (failed.length === 0) return;
    const final = failed.find(({ error }) => look === looks || !(error instanceof LeadersDiffer));
    if (final) throw final.error;
    pending = failed.flatMap(({ call }) => call.topicMessages);
    for (const { topic } of pending) admin.forget(topic);
    await sleep(lookAgainMs);
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
      const call: Call = calls.get(leader) ?? { topicMessages: [], leader };
      calls.set(leader, call);
      call.topicMessages.push({ topic, messages: own });
      for (const message of own) (message as CalledMessage).call = call;
    }
  }
  return [...calls.values()];
}
