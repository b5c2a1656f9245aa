import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { withKafkajs } from '../kafkajs.ts';
import type { Line } from '../line.ts';
import type { Stack } from '../stack.ts';
import { topicsOfCase } from '../streams.ts';
import { between, type Fault, seconds } from './fault.ts';

const touches = ['kafka', 'connections of kafka', 'transactions'];
/** How long a topic may take to come back. The log that misses it looks every 3 s. */
const maxWaitSeconds = 60;
const calmSeconds = 10;
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

async function make(admin: Admin, topic: string): Promise<void> {
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];
  const topics = [{ topic, numPartitions: defaultPartitions, configEntries }];
  // A log that missed it may have been first.
  await admin.createTopics({ topics }).catch(() => false);
}

async function made(admin: Admin, topic: string): Promise<void> {
  for (let waited = 0; waited < maxWaitSeconds; waited += 1) {
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
