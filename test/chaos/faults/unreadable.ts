import { withKafkajs } from '../kafkajs.ts';
import { plantedRecords } from '../planted.ts';
import { topicsOfCase } from '../streams.ts';
import { type Fault, seconds } from './fault.ts';

/** Any topic of the campaign has as many. */
const partitions = 12;

/** Somebody else's records, which are no readings and so large that their dead letters have to be cut, stand in the readings topic. */
export const unreadableRecords: Fault = {
  name: 'records whose dead letters are too large',
  touches: ['kafka'],
  seconds: 8,
  async strike({ brokers, lines, tell }) {
    await withKafkajs(brokers, async (kafka) => {
      const producer = kafka.producer();
      await producer.connect();
      try {
        for (const { case: each, planted } of lines) {
          const topic = topicsOfCase(each).readings;
          for (const { identity, what, key, value } of plantedRecords(planted.size)) {
            // A partition is named: kafkajs takes a minute to hash a key that long.
            await producer.send({ topic, messages: [{ key, value, partition: planted.size % partitions }] });
            planted.add(identity);
            tell(`${topic} holds ${what}`);
          }
        }
      } finally {
        await producer.disconnect();
      }
    });
    await seconds(4);
  },
};
