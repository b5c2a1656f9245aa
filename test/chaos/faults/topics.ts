import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { classifierGroup } from '../../../classifier/classifier.ts';
import { archiveGroup } from '../../../collector/archive.ts';
import { withKafkajs } from '../kafkajs.ts';
import type { Line } from '../line.ts';
import type { Stack } from '../stack.ts';
import { topicsOfCase } from '../streams.ts';
import { between, type Fault, seconds } from './fault.ts';

const touches = ['kafka', 'connections of kafka', 'transactions'];
/** How long a topic may take to come back. The log that misses it looks every 3 s. */
const maxWaitSeconds = 60;
const calmSeconds = 10;
/** A deletion destroys what has not been read: readers that were just held up get so long to come near the end, so that little is. */
const maxBehindSeconds = 60;
const fewRecords = 300;
/** As Gapline's stages make them. */
const defaultPartitions = 12;
const addedPartitions = 3;

/** Windows are judged by one run over one topic: only streams without them lose theirs. */
const plainLines = ({ lines }: Stack): readonly Line[] => lines.filter(({ case: { name } }) => name === 'plain');

/** Somebody else makes the topic again at once, or the log that misses it does. */
export const deletedReadings: Fault = {
  name: 'the readings topic is deleted and made anew',
  touches,
  seconds: 15,
  possible: (stack) => plainLines(stack).length > 0 && stack.keptTopics !== undefined,
  async strike(stack, random) {
    await withAdmin(stack, async (admin) => {
      for (const line of plainLines(stack)) {
        const topic = topicsOfCase(line.case).readings;
        await nearlyRead(admin, line);
        await stack.keptTopics?.keep(topic);
        await admin.deleteTopics({ topics: [topic] });
        const own = random.next() < 0.5;
        stack.tell(`${topic} is deleted; ${own ? 'it is made anew at once' : 'whoever misses it makes it anew'}`);
        await sleep(between(random, 0, 3_000));
        if (own) await make(admin, topic);
        await made(admin, topic);
      }
    });
    await seconds(calmSeconds);
  },
};

export const morePartitions: Fault = {
  name: 'partitions are added to the readings topic',
  touches: ['kafka', 'connections of kafka'],
  seconds: 12,
  possible: (stack) => plainLines(stack).length > 0,
  async strike(stack) {
    await withAdmin(stack, async (admin) => {
      for (const line of plainLines(stack)) {
        const topic = topicsOfCase(line.case).readings;
        const count = (await partitionsOf(admin, topic)) + addedPartitions;
        await admin.createPartitions({ topicPartitions: [{ topic, count }] });
        stack.tell(`${topic} has ${count} partitions`);
      }
    });
    await seconds(calmSeconds);
  },
};

/** Killed, its disk emptied, started: topics, offsets, transactions and groups are gone. */
export const lostKafka: Fault = {
  name: 'Kafka is lost as a whole',
  touches,
  seconds: 35,
  possible: (stack) => plainLines(stack).length === stack.lines.length && stack.keptTopics !== undefined,
  async strike(stack) {
    let before: readonly string[] = [];
    await withAdmin(stack, async (admin) => {
      before = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
      for (const line of plainLines(stack)) await nearlyRead(admin, line);
    });
    await stack.parts.kafka.kill();
    await stack.keptTopics?.empty();
    await stack.parts.kafka.bringBack();
    await withAdmin(stack, async (admin) => {
      for (const topic of before) await made(admin, topic);
    });
    await seconds(calmSeconds);
  },
};

/** Waits, not for ever, until classifier and archive have read most of what the readings topic holds. */
async function nearlyRead(admin: Admin, { case: which }: Line): Promise<void> {
  const topics = topicsOfCase(which);
  const stream = { name: which.stream, fields: [], topics };
  const untilMs = performance.now() + maxBehindSeconds * 1_000;
  while (performance.now() < untilMs) {
    let most = 0;
    // One after the other: kafkajs's admin mixes up what it is asked at once.
    for (const group of [archiveGroup(stream), classifierGroup(stream)]) {
      const behind = await unread(admin, group, topics.readings).catch(() => Number.POSITIVE_INFINITY);
      most = Math.max(most, behind);
    }
    if (most <= fewRecords) return;
    await seconds(1);
  }
}

async function unread(admin: Admin, groupId: string, topic: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  return ends.reduce((sum, { partition, high, low }) => {
    return sum + Math.max(0, Number(high) - Math.max(Number(low), committed.get(partition) ?? 0));
  }, 0);
}

async function make(admin: Admin, topic: string): Promise<void> {
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  const topics = [{ topic, numPartitions: defaultPartitions, configEntries }];
  // A log that missed it may have been first.
  await admin.createTopics({ topics }).catch(() => false);
}

async function made(admin: Admin, topic: string): Promise<void> {
  const untilMs = performance.now() + maxWaitSeconds * 1_000;
  while (performance.now() < untilMs) {
    if ((await admin.listTopics()).includes(topic)) return;
    await seconds(1);
  }
  throw new Error(`nobody made ${topic} again`);
}

async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
}

async function withAdmin({ brokers }: Stack, work: (admin: Admin) => Promise<void>): Promise<void> {
  await withKafkajs(brokers, async (kafka) => {
    const admin = kafka.admin();
    await admin.connect();
    try {
      await work(admin);
    } finally {
      await admin.disconnect();
    }
  });
}
