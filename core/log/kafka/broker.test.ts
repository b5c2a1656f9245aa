// On the Kafka that GAPLINE_TEST_KAFKA names.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { ConfigResourceTypes } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { GaplineError } from '../../wire/errors.ts';
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
  record,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { clients, kafkaUnderTest, makeTopic, sessionTimeoutMs, testKafka, withAdmin, withoutKafka } from './testing.ts';

describe.skipIf(withoutKafka).each(clients)(
  `what the log does on a broker by %s ${withoutKafka ?? ''}`,
  { timeout: testTimeoutMs },
  (client) => {
    let prefix = '';
    const fixture = fixtureOfEachTest(async () => {
      const underTest = await kafkaUnderTest({}, client);
      prefix = underTest.prefix;
      return underTest;
    });

    test('keeps records by their time of arrival, as long as asked', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 2, { retentionMs: 123_000_000 });
      const { resources } = await withAdmin((admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [
            { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms', 'message.timestamp.type'] },
          ],
        }),
      );
      const entries = resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]);
      expect(Object.fromEntries(entries)).toEqual({
        'retention.ms': '123000000',
        'message.timestamp.type': 'LogAppendTime',
      });
    });

    test('flushes each batch of a topic where that is asked for, also of one that was there before', async () => {
      const log = await fixture().open();
      const flushed = await fixture().topic(log, 'new', 1, { flush: true });
      const topic = await fixture().topic(log, 'old', 1, { retentionMs: 123_000_000 });
      const configured = async (name: string) => {
        const asked = { type: ConfigResourceTypes.TOPIC, name };
        const { resources } = await withAdmin((admin) =>
          admin.describeConfigs({ includeSynonyms: false, resources: [asked] }),
        );
        const entries = resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]);
        const { 'flush.messages': flush, 'retention.ms': retention } = Object.fromEntries(entries);
        return { flush, retention, arrival: Object.fromEntries(entries)['message.timestamp.type'] };
      };
      expect(await configured(flushed)).toMatchObject({ flush: '1' });
      const before = await configured(topic);
      expect(before).toMatchObject({ retention: '123000000', arrival: 'LogAppendTime' });
      expect(before.flush).not.toBe('1');
      await fixture().topic(log, 'old', 1, { flush: true });
      await fixture().topic(log, 'old', 1, { flush: true });
      // A broker takes a moment to learn of a change.
      await expect.poll(() => configured(topic), patient).toEqual({ ...before, flush: '1' });
      await log.append(topic, numbered(0, 10), deadline);
      expect(texts(await contents(log, topic))).toEqual(numbers(0, 10));
    });

    test('compacts a topic where that is asked for, and keeps what was replaced for so long, also of one that was there before', async () => {
      const log = await fixture().open();
      const asked = { compacted: true, replacedMs: 456_000 };
      const made = await fixture().topic(log, 'facts', 1, asked);
      const topic = await fixture().topic(log, 'by-hand', 1, { retentionMs: 123_000_000 });
      const configured = async (name: string) => {
        const { resources } = await withAdmin((admin) =>
          admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name }] }),
        );
        const all = resources[0]!.configEntries.map(({ configName, configValue }) => [configName, configValue]);
        const {
          'cleanup.policy': policy,
          'min.compaction.lag.ms': lag,
          'retention.ms': retention,
        } = Object.fromEntries(all);
        return { policy, lag, retention };
      };
      expect(await configured(made)).toMatchObject({ policy: 'compact', lag: '456000' });
      expect(await configured(topic)).toMatchObject({ policy: 'delete', lag: '0' });
      await fixture().topic(log, 'by-hand', 1, asked);
      await expect
        .poll(() => configured(topic), patient)
        .toEqual({ policy: 'compact', lag: '456000', retention: '123000000' });
    });

    test('makes topics that several processes ensure at once', async () => {
      const logs = await Promise.all([fixture().open(), fixture().open(), fixture().open()]);
      const specs = ['one', 'two'].map((name) => ({
        name: fixture().name(name),
        partitions: 2,
        retentionMs: 1_000_000,
      }));
      await Promise.all(logs.map((log) => log.ensureTopics(specs)));
      await Promise.all(logs.map((log, i) => log.append(specs[0]!.name, [record('a', i)], deadline)));
      expect(texts(await contents(logs[0]!, specs[0]!.name)).toSorted()).toEqual(['0', '1', '2']);
    });

    test('leaves no group of a reader behind', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings');
      await log.append(topic, numbered(0, 10), deadline);
      await contents(log, topic);
      const tail = log.tail([topic], { since: 0 })[Symbol.asyncIterator]();
      await tail.next();
      const left = () =>
        withAdmin(async (admin) => {
          const { groups } = await admin.listGroups();
          return groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(`${prefix}.reader`));
        });
      expect(await left()).toHaveLength(1);
      // Its reader holds a batch and never comes back for more.
      await log.stop();
      await expect.poll(left, patient).toEqual([]);
    });

    test('makes a dead letter of what is too large, for Kafka or for a topic', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 1);
      const letters = await fixture().topic(log, 'deadletters', 1);
      const small = fixture().name('small');
      const configEntries = [{ name: 'max.message.bytes', value: '20000' }];
      await makeTopic({ topic: small, numPartitions: 1, configEntries });
      const sizes = [100, 2_000_000, 100, 50_000, 100];
      await log.append(topic, numbered(0, sizes.length), deadline);
      await log.pipe(
        { from: [topic], group: fixture().name('group') },
        {
          ...copyTo(small, letters),
          transform: ({ records }) => ({
            outputs: texts(records).map((value) => ({
              topic: small,
              ...record('a', value.padEnd(sizes[Number(value)]!)),
            })),
          }),
        },
      );
      await expect.poll(async () => (await contents(log, letters)).length, patient).toBe(2);
      expect(texts(await contents(log, letters))).toEqual([
        expect.stringMatching(/^1: A record of 2000041 bytes is more than Kafka takes/),
        expect.stringMatching(/^3: .*larger than the max message size/),
      ]);
      expect(texts(await contents(log, small)).map((value) => value.trim())).toEqual(['0', '2', '4']);
      await expect(log.append(topic, [record('a', 'x'.repeat(2_000_000))], deadline)).rejects.toMatchObject({
        outcome: 'refused',
        message: expect.stringContaining('2000041 bytes'),
      });
    });

    test.each(['pipe', 'drain'] as const)('a %s continues where the topic of dead letters takes none', async (kind) => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 1);
      const letters = fixture().name('tiny');
      const configEntries = [{ name: 'max.message.bytes', value: '500' }];
      await makeTopic({ topic: letters, numPartitions: 1, configEntries });
      await log.append(topic, [record('a', 'bad'), record('a', 'good')], deadline);
      const taken: string[] = [];
      const transform = ({ records }: { records: Parameters<typeof texts>[0] }) => {
        if (texts(records).includes('bad')) throw new GaplineError('internal', 'broken', { retryable: false });
        taken.push(...texts(records));
        return { outputs: [] };
      };
      const options = { from: [topic], group: fixture().name('group') };
      const deadLetter = () => ({ topic: letters, ...record('a', 'x'.repeat(1_000)) });
      if (kind === 'pipe') await log.pipe(options, { transform, deadLetter });
      else await log.drain(options, async (batch) => transform(batch).outputs, deadLetter);
      await expect.poll(() => taken, patient).toEqual(['good']);
      await expect.poll(async () => (await log.lag(options.group, [topic]))[0]?.lag, patient).toBe(0);
    });

    test('counts no lag for a group that has seen all but transaction markers', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings', 2);
      const copy = await fixture().topic(log, 'copy', 2);
      const groups = [fixture().name('piped'), fixture().name('drained')] as const;
      await log.pipe({ from: [topic], group: fixture().name('group'), maxBatch: 3 }, copyTo(copy));
      await log.pipe({ from: [copy], group: groups[0] }, { ...copyTo(copy), transform: () => ({ outputs: [] }) });
      await log.drain(
        { from: [copy], group: groups[1] },
        async () => [],
        () => ({ topic, ...record('a', 'dead') }),
      );
      for (let round = 0; round < 3; round++) {
        await log.append(topic, numbered(round * 10, round * 10 + 10), deadline);
        await expectContents(log, copy, numbers(0, round * 10 + 10));
        for (const group of groups) {
          await expect.poll(async () => (await log.lag(group, [copy])).map(({ lag }) => lag), patient).toEqual([0, 0]);
        }
      }
      const [first] = await log.lag(groups[0], [copy]);
      expect(Number(first?.end)).toBeGreaterThan(
        (await contents(log, copy)).filter(({ partition }) => partition === 0).length,
      );
    });

    test('commits what it labelled where Kafka takes no checkpoint, because that is larger than the topic allows', async () => {
      const log = await fixture().open();
      const [topic, copy] = [await fixture().topic(log, 'readings', 1), await fixture().topic(log, 'copy', 1)];
      const state = fixture().name('state');
      const small = [{ name: 'max.message.bytes', value: '2000' }];
      await makeTopic({ topic: state, configEntries: small });
      const refused: unknown[] = [];
      await log.append(topic, numbered(0, 30), deadline);
      await log.pipe(
        {
          ...{ from: [topic], group: fixture().name('group'), maxBatch: 10 },
          checkpoints: { topic: state, everyRecords: 20, everyMs: 3_600_000 },
        },
        {
          ...copyTo(copy),
          save: () => Buffer.from(randomBytes(8_000).toString('hex')),
          checkpointRefused: (_, error) => void refused.push(error),
        },
      );
      await expectContents(log, copy, numbers(0, 30));
      // A second one is due only after fifty times as long as the first took.
      expect(String(refused[0])).toMatch(/larger|too large/i);
      expect(refused.length).toBeLessThanOrEqual(2);
      expect(await contents(log, state)).toEqual([]);
    });

    test('warns of nothing on the way, not even in the libraries', async () => {
      const log = await fixture().open();
      const topic = await fixture().topic(log, 'readings');
      const copy = await fixture().topic(log, 'copy');
      await log.append(topic, numbered(0, 50), deadline);
      const url = testKafka?.replace('kafka:', `${client}:`);
      const address = { engine: 'kafka', url, prefix, sessionTimeoutMs };
      const task = { kind: 'copy', from: topic, to: copy, group: fixture().name('group'), maxBatch: 5 };
      const child = fork(join(import.meta.dirname, '..', 'contract', 'child.ts'), [JSON.stringify({ address, task })], {
        silent: true,
        execArgv: [],
      });
      const output: string[] = [];
      for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data) => output.push(String(data)));
      await expectContents(log, copy, numbers(0, 50));
      const closed = once(child, 'close');
      await kill(child);
      await closed;
      expect(output.join('')).toBe('');
    });
  },
);
