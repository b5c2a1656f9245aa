// On the Kafka that GAPLINE_TEST_KAFKA names.
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../retry/sleep.ts';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  fixtureOfEachTest,
  type LogFixture,
  numbered,
  numbers,
  patient,
  record,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import type { EventLog, StoredRecord } from '../port.ts';
import { clients, kafkaUnderTest, makeTopic, withAdmin, withoutKafka } from './testing.ts';

const describeKafka = describe.skipIf(withoutKafka);

describeKafka.each(clients)(
  `topics that change under a running line by %s ${withoutKafka ?? ''}`,
  { timeout: testTimeoutMs },
  (client) => {
    const told: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
    const fixture = fixtureOfEachTest(() => kafkaUnderTest({ logger }, client));
    const partitionsOf = (topic: string) =>
      withAdmin(async (admin) => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length);

    /** Deletes a topic; another client makes it again at once where `partitions` is given, else the log does. */
    const remove = (topic: string, partitions?: number) =>
      withAdmin(async (admin) => {
        await admin.deleteTopics({ topics: [topic] });
        if (partitions === undefined) return;
        // False where it is there: an attempt before made it, and its answer was lost. Leaders may come later.
        const topics = [{ topic, numPartitions: partitions }];
        const create = () =>
          admin.createTopics({ topics, waitForLeaders: false }).then(
            () => true,
            () => false,
          );
        await expect.poll(create, patient).toBe(true);
      });

    test.each([
      ['sooner than the old one had', 20],
      ['beyond the old one at once', 300],
    ])('a topic is deleted and made anew, and ends %s: all that it holds is taken', async (_, count) => {
      const log = await fixture().open();
      const topic = fixture().name('readings');
      await makeTopic({ topic, numPartitions: 3 });
      const copy = await fixture().topic(log, 'copy');
      const [piped, drained] = [fixture().name('piped'), fixture().name('drained')];
      const { sink, taken } = collecting();
      await log.append(topic, numbered(0, 100), deadline);
      await log.pipe({ from: [topic], group: piped }, copyTo(copy));
      await log.drain({ from: [topic], group: drained }, sink, () => ({ topic: copy, ...record('a', 'dead') }));
      const watched = watch(log, topic);
      await expectContents(log, copy, numbers(0, 100));
      await expect.poll(() => taken.length, patient).toBe(100);
      await expect.poll(() => watched.length, patient).toBe(100);
      await remove(topic, 3);
      await appendSoon(log, topic, numbered(100, 100 + count));
      const all = numbers(0, 100 + count);
      await expect.poll(() => distinct(taken), patient).toEqual(all);
      await expect.poll(() => distinct(watched), patient).toEqual(all);
      await expectDistinct(log, copy, all);
      for (const group of [piped, drained]) {
        await expect.poll(() => lagOf(log, group, topic), patient).toBe(0);
        const ends = await log.lag(group, [topic]);
        expect(ends.every(({ committed, end }) => committed <= end)).toBe(true);
      }
    });

    test('topics that the log made and somebody deleted are made again, and the line continues', async () => {
      const log = await fixture().open();
      const [topic, copy] = [await fixture().topic(log, 'readings'), await fixture().topic(log, 'copy')];
      await log.append(topic, numbered(0, 50), deadline);
      await log.pipe({ from: [topic], group: fixture().name('group') }, copyTo(copy));
      await expectContents(log, copy, numbers(0, 50));
      await Promise.all([remove(topic), remove(copy)]);
      await expect
        .poll(() => Promise.all([partitionsOf(topic), partitionsOf(copy)]).catch(() => []), patient)
        .toEqual([3, 3]);
      await appendSoon(log, topic, numbered(50, 100));
      await expectDistinct(log, copy, numbers(50, 100));
      // An answer that was lost with the old topic makes extra records, each of which is taken once.
      const counts = async () => [(await contents(log, copy)).length - (await contents(log, topic)).length];
      await expect.poll(counts, patient).toEqual([0]);
    });

    test('a topic is made anew while nothing is at work: all that it holds is taken', async () => {
      const log = await fixture().open();
      const [topic, copy] = [fixture().name('readings'), await fixture().topic(log, 'copy')];
      await makeTopic({ topic, numPartitions: 3 });
      const options = { from: [topic], group: fixture().name('group') };
      await log.append(topic, numbered(0, 100), deadline);
      const running = await log.pipe(options, copyTo(copy));
      await expectContents(log, copy, numbers(0, 100));
      await running.stop();
      await remove(topic, 3);
      await appendSoon(log, topic, numbered(100, 120));
      await log.pipe(options, copyTo(copy));
      await expectDistinct(log, copy, numbers(0, 120));
    });

    test('a group that is beyond the end of the same topic resumes at that end: nothing that is left is taken again', async () => {
      const log = await fixture().open();
      const [topic, copy] = [await fixture().topic(log, 'readings', 1), await fixture().topic(log, 'copy', 1)];
      const groupId = fixture().name('group');
      await log.append(topic, numbered(0, 50), deadline);
      // As if fifty records more had been there when the group committed.
      await withAdmin((admin) => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '100' }] }));
      await log.pipe({ from: [topic], group: groupId }, copyTo(copy));
      await expect.poll(async () => (await log.lag(groupId, [topic]))[0]?.committed, patient).toBe(50n);
      await log.append(topic, numbered(50, 60), deadline);
      await expectContents(log, copy, numbers(50, 60));
    });

    test('a topic is made anew while a partition is restored from it: the restoration ends, and all that it holds is taken', async () => {
      const log = await fixture().open();
      const [topic, copy] = [fixture().name('readings'), await fixture().topic(log, 'copy', 1)];
      await makeTopic({ topic, numPartitions: 1 });
      const options = { from: [topic], group: fixture().name('group') };
      await log.append(topic, numbered(0, 2_500), deadline);
      const first = await log.pipe(options, copyTo(copy));
      await expectContents(log, copy, numbers(0, 2_500));
      await first.stop();
      let restorations = 0;
      let isRemoved = false;
      let isRemade = false;
      await log.pipe(options, {
        ...copyTo(copy),
        async assigned(_, history) {
          restorations += 1;
          for await (const _records of history.from(new Map([[topic, 0n]]))) {
            if (restorations > 1 || isRemoved) continue;
            isRemoved = true;
            await remove(topic, 1);
            isRemade = true;
          }
        },
      });
      await expect.poll(() => isRemade, patient).toBe(true);
      await appendSoon(log, topic, numbered(2_500, 2_520));
      await expectDistinct(log, copy, numbers(0, 2_520));
    });

    test('partitions are added: readings in them are taken and watched, each key in order from then on', async () => {
      const log = await fixture().open();
      const [topic, copy] = [await fixture().topic(log, 'readings'), await fixture().topic(log, 'copy')];
      const assigned: number[] = [];
      const handlers = { ...copyTo(copy), assigned: async (partition: number) => void assigned.push(partition) };
      await log.append(topic, numbered(0, 100, 20), deadline);
      await log.pipe({ from: [topic], group: fixture().name('group') }, handlers);
      const watched = watch(log, topic);
      await expectContents(log, copy, numbers(0, 100));
      await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] }));
      await expect
        .poll(() => [...new Set(assigned)].toSorted(), { ...patient, timeout: 15_000 })
        .toEqual([0, 1, 2, 3, 4, 5]);
      expect(told.filter((line) => line.includes(`${topic} got more partitions`))).toHaveLength(1);
      await expect.poll(() => appendedTo(log, topic, fixture()), patient).toBeGreaterThan(3);
      await log.append(topic, numbered(100, 200, 20), deadline);
      await expect.poll(() => distinct(watched), patient).toEqual(numbers(0, 200));
      await expectCopied(log, copy);
    });

    /** In how many partitions a probe of many keys comes to stand. */
    async function appendedTo(log: EventLog, topic: string, { name }: LogFixture): Promise<number> {
      void name;
      await log.append(
        topic,
        Array.from({ length: 12 }, (_, i) => record(`probe-${i}`, 'probe')),
        deadline,
      );
      await sleep(200);
      return (await log.lag('nobody', [topic])).filter(({ end, partition }) => partition < 3 || end > 0n).length;
    }

    /** Probes aside, each number once, and the later numbers of each key in order. */
    async function expectCopied(log: EventLog, copy: string): Promise<void> {
      const found: StoredRecord[] = [];
      const isNumber = ({ value }: StoredRecord) => Buffer.from(value).toString() !== 'probe';
      for await (const records of log.tail([copy], { since: 0, signal: AbortSignal.timeout(patient.timeout) })) {
        found.push(...records.filter(isNumber));
        if (found.length >= 200) break;
      }
      expect(sorted(texts(found))).toEqual(numbers(0, 200));
      for (const own of Map.groupBy(found, ({ key }) => key).values()) {
        const later = texts(own).filter((value) => Number(value) >= 100);
        expect(later).toEqual(sorted(later));
      }
    }
  },
);

const distinct = (values: readonly string[]) => sorted([...new Set(values)].filter((value) => value !== 'probe'));

const lagOf = async (log: EventLog, group: string, topic: string) =>
  (await log.lag(group, [topic])).reduce((sum, { lag }) => sum + lag, 0);

function collecting() {
  const taken: string[] = [];
  const sink = async ({ records }: { records: Parameters<typeof texts>[0] }) => {
    taken.push(...texts(records));
    return [];
  };
  return { taken, sink };
}

/** What a tail from the beginning returns, until the log stops. */
function watch(log: EventLog, topic: string): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const records of log.tail([topic], { since: 0 })) seen.push(...texts(records));
  })().catch(() => {});
  return seen;
}

/** The first appends after a topic was made anew may be refused: the producer's sequence numbers belong to the old one. */
async function expectDistinct(log: EventLog, topic: string, values: readonly string[]): Promise<void> {
  await expect.poll(async () => distinct(texts(await contents(log, topic))), patient).toEqual(sorted([...values]));
}

async function appendSoon(log: EventLog, topic: string, records: ReturnType<typeof numbered>): Promise<void> {
  const append = () =>
    log.append(topic, records, deadline).then(
      () => true,
      () => false,
    );
  await expect.poll(append, patient).toBe(true);
}
