// On the Kafka that GAPLINE_TEST_KAFKA names.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  fixtureOfEachTest,
  kill,
  numbered,
  numbers,
  patient,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { loadKafkajs } from './client.ts';
import { clients, kafkaUnderTest, testKafka, withoutKafka } from './testing.ts';

describe.skipIf(withoutKafka).each(clients)(
  `members of a group on Kafka by %s ${withoutKafka ?? ''}`,
  { timeout: testTimeoutMs },
  (client) => {
    const fixture = fixtureOfEachTest(() => kafkaUnderTest({}, client));

    test('one stopped past its session in the middle of a batch wakes and duplicates nothing', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings');
      const copy = await fixture().topic(log, 'copy');
      const options = { from: topic, to: copy, group: fixture().name('group'), maxBatch: 10 };
      await log.append(topic, numbered(0, 300), deadline);
      const { child, told } = fixture().spawn({ kind: 'copy', ...options, hangAt: '150', hangMs: 1_000 });
      await expect.poll(() => told.includes('hanging'), { ...patient, interval: 1 }).toBe(true);
      child.kill('SIGSTOP');
      const assigned = new Set<number>();
      const handlers = { ...copyTo(copy), assigned: async (partition: number) => void assigned.add(partition) };
      await log.pipe({ ...options, from: [topic] }, handlers);
      await expectContents(log, copy, numbers(0, 300));
      expect(assigned).toEqual(new Set([0, 1, 2]));
      const before = told.length;
      child.kill('SIGCONT');
      // Until it is back in the group and at work again, beside the other: with devices enough that every partition gets some.
      let next = 300;
      const works = async () => {
        await log.append(topic, numbered(next, next + 10, 40), deadline);
        next += 10;
        return told.slice(before).some((line) => line.startsWith('committed'));
      };
      await expect.poll(works, { ...patient, interval: 100 }).toBe(true);
      await expectContents(log, copy, numbers(0, next));
    });

    test('one stopped at any moment wakes and duplicates nothing', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings');
      const copy = await fixture().topic(log, 'copy');
      const options = { from: topic, to: copy, group: fixture().name('group'), maxBatch: 2 };
      await log.append(topic, numbered(0, 600), deadline);
      const { child, told } = fixture().spawn({ kind: 'copy', ...options });
      const commits = () => told.filter((line) => line.startsWith('committed')).length;
      await expect.poll(commits, { ...patient, interval: 1 }).toBeGreaterThanOrEqual(5);
      child.kill('SIGSTOP');
      const assigned = new Set<number>();
      const handlers = { ...copyTo(copy), assigned: async (partition: number) => void assigned.add(partition) };
      await log.pipe({ ...options, from: [topic], maxBatch: 100 }, handlers);
      await expect.poll(() => assigned.size, patient).toBe(3);
      child.kill('SIGCONT');
      await log.append(topic, numbered(600, 900), deadline);
      await expectContents(log, copy, numbers(0, 900));
      for (const own of Map.groupBy(await contents(log, copy), ({ key }) => key).values()) {
        expect(texts(own)).toEqual(sorted(texts(own)));
      }
    });

    test('share the partitions, take over those of one that is killed, and keep their own', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 6);
      const copy = await fixture().topic(log, 'copy', 6);
      const options = { from: topic, to: copy, group: fixture().name('group'), maxBatch: 50 };
      const mine = new Set<number>();
      const moves: string[] = [];
      await log.pipe(
        { ...options, from: [topic] },
        {
          ...copyTo(copy),
          async assigned(partition) {
            mine.add(partition);
            moves.push(`+${partition}`);
          },
          revoked(partition) {
            mine.delete(partition);
            moves.push(`-${partition}`);
          },
        },
      );
      await expect.poll(() => mine.size, patient).toBe(6);
      const { child, told } = fixture().spawn({ kind: 'copy', ...options });
      const theirs = () => told.filter((line) => line.startsWith('assigned')).map((line) => Number(line.split(' ')[1]));
      await expect.poll(() => [mine.size, theirs().length], patient).toEqual([3, 3]);
      expect(new Set([...mine, ...theirs()]).size).toBe(6);
      await log.append(topic, numbered(0, 300, 40), deadline);
      await expectContents(log, copy, numbers(0, 300));
      expect(told.some((line) => line.startsWith('committed'))).toBe(true);

      const kept = [...mine];
      moves.length = 0;
      await kill(child);
      await expect.poll(() => mine.size, patient).toBe(6);
      expect(sorted(moves)).toEqual(sorted(theirs().map((partition) => `+${partition}`)));
      expect([...mine]).toEqual(expect.arrayContaining(kept));
      await log.append(topic, numbered(300, 400, 40), deadline);
      await expectContents(log, copy, numbers(0, 400));
    });

    test('stalled far longer than a session stay members', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 2);
      const copy = await fixture().topic(log, 'copy', 2);
      const revoked: number[] = [];
      let held = true;
      await log.append(topic, numbered(0, 20), deadline);
      await log.pipe(
        { from: [topic], group: fixture().name('group') },
        {
          ...copyTo(copy),
          async transform(batch) {
            while (held) await sleep(50);
            return copyTo(copy).transform(batch);
          },
          revoked: (partition) => void revoked.push(partition),
        },
      );
      await sleep(7_000);
      held = false;
      await expectContents(log, copy, numbers(0, 20));
      expect(revoked).toEqual([]);
    });

    test('that Kafka will never let in fail with a clear message', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 2);
      const group = fixture().name('group');
      const { Kafka, logLevel } = await loadKafkajs();
      const foreign = new Kafka({ brokers: [new URL(testKafka!).host], logLevel: logLevel.NOTHING }).consumer({
        groupId: group,
      });
      await foreign.connect();
      await foreign.subscribe({ topic });
      const joined = new Promise((resolve) => foreign.on(foreign.events.GROUP_JOIN, resolve));
      await foreign.run({ eachMessage: async () => {} });
      await joined;
      const running = await log.pipe({ from: [topic], group }, copyTo(topic));
      await expect(running.failed).rejects.toMatchObject({
        code: 'log-unavailable',
        retryable: false,
        message: expect.stringMatching(new RegExp(`group ${group} cannot continue: .*protocol`)),
      });
      await running.stop();
      await foreign.disconnect();
    });
  },
);
