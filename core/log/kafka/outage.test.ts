// On a Kafka of its own, where the runner has one for GAPLINE_TEST_KAFKA.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kafka, kafkaSupply, startKafka } from '../../../test/servers/kafka.ts';
import { obtained } from '../../../test/servers/obtain.ts';
import {
  contents,
  copyTo,
  expectContents,
  numbered,
  numbers,
  patient,
  record,
  silent,
  sorted,
  testTimeoutMs,
  texts,
} from '../contract/fixture.ts';
import { createKafkaLog, type KafkaLogOptions } from '../kafka.ts';
import type { EventLog } from '../port.ts';
import { clients, withoutKafka } from './testing.ts';

const notRun = withoutKafka ?? (obtained(kafkaSupply) ? undefined : 'NOT RUN, only a foreign Kafka is here');
const soon = { deadlineMs: 1_500 };
const late = { deadlineMs: 90_000 };

describe.skipIf(notRun).each(clients)(
  `a Kafka that becomes unavailable, by %s ${notRun ?? ''}`,
  { timeout: 2 * testTimeoutMs },
  (client) => {
    let kafka: Kafka;
    const logs: EventLog[] = [];

    beforeAll(async () => {
      kafka = await startKafka({ secure: true });
    }, testTimeoutMs);
    afterAll(async () => {
      await Promise.all(logs.map((log) => log.stop()));
      await kafka?.stop();
    }, testTimeoutMs);

    const byClient = (url: string) => url.replace('kafka:', `${client}:`);
    const create = (options: Partial<KafkaLogOptions> = {}): EventLog => {
      const quick = { backoff: { firstMs: 5, maxMs: 200 }, sessionTimeoutMs: 4_000, requestTimeoutMs: 3_000 };
      const log = createKafkaLog({
        url: byClient(kafka.url),
        logger: silent,
        ...quick,
        ...options,
      });
      logs.push(log);
      return log;
    };
    const topics = async (log: EventLog, ...names: string[]) => {
      await log.ensureTopics(names.map((name) => ({ name, partitions: 3, retentionMs: 86_400_000 })));
    };

    test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
      'lets in a user by %s, in clear and over TLS',
      async (sasl) => {
        const { sasl: clear, saslTls, username, password, caFile } = kafka.secure!;
        const ca = readFileSync(caFile, 'utf8');
        const login = { username, password };
        const one = create({ url: `${client}://${clear}?sasl=${sasl}`, ...login });
        const two = create({ url: `${client}+tls://${saslTls}?sasl=${sasl}`, ...login, ca });
        await Promise.all([one.start(), two.start()]);
        await topics(one, `secure.${sasl}`);
        await one.append(`secure.${sasl}`, [record('a', 1)], late);
        expect(texts(await contents(two, `secure.${sasl}`))).toEqual(['1']);
        await topics(one, `secure.${sasl}.copy`);
        const group = `secure.${sasl}.group`;
        const running = await two.pipe({ from: [`secure.${sasl}`], group }, copyTo(`secure.${sasl}.copy`));
        await expectContents(one, `secure.${sasl}.copy`, ['1']);
        await running.stop();
      },
    );

    test('denies a wrong password and an unknown certificate at once, with an error that has no secret in it', async () => {
      const { saslTls, tls, username, caFile } = kafka.secure!;
      const ca = readFileSync(caFile, 'utf8');
      const wrong = create({ url: `${client}+tls://${saslTls}?sasl=scram-sha-512`, username, password: 'wr0ng', ca });
      const refusal = await wrong.start().catch((error) => error);
      expect(refusal).toMatchObject({
        code: 'log-unavailable',
        retryable: false,
        message: expect.stringMatching(/denies this client access/),
      });
      expect(JSON.stringify([refusal.message, refusal.cause?.message])).not.toContain('wr0ng');
      await expect(create({ url: `${client}+tls://${tls}`, waitMs: 100 }).start()).rejects.toMatchObject({
        message: expect.stringMatching(/does not answer.*certificate/),
      });
      const trusting = create({ url: `${client}+tls://${tls}`, ca });
      await trusting.start();
    });

    test('is named where it does not answer, and waited for', async () => {
      await kafka.kill();
      await expect(create({ waitMs: 100 }).start()).rejects.toMatchObject({
        code: 'log-unavailable',
        retryable: true,
        message: expect.stringContaining(`Kafka at ${kafka.broker} does not answer`),
      });
      const waiting = create({ waitMs: 90_000 });
      const started = waiting.start();
      await kafka.restart();
      await started;
    });

    test('killed and started again: appends wait or are refused, pipes and drains resume, nothing is lost or duplicated', async () => {
      const log = create();
      await log.start();
      await topics(log, 'killed.in', 'killed.out', 'killed.refused');
      const drained: string[] = [];
      await log.pipe({ from: ['killed.in'], group: 'killed.pipe', maxBatch: 5 }, copyTo('killed.out'));
      const sink = async ({ records }: { records: Parameters<typeof texts>[0] }) => {
        drained.push(...texts(records));
        return [];
      };
      await log.drain({ from: ['killed.in'], group: 'killed.drain', maxBatch: 5 }, sink, () => ({
        topic: 'killed.out',
        ...record('a', 'dead'),
      }));
      await log.append('killed.in', numbered(0, 100), late);
      await expect.poll(() => drained.length, patient).toBeGreaterThan(20);
      await kafka.kill();
      const refusal = await log.append('killed.refused', [record('a', 1)], soon).catch((error) => error);
      expect(refusal).toMatchObject({ name: 'AppendError', retryable: true });
      const waiting = log.append('killed.in', numbered(100, 200), late);
      await kafka.restart();
      await waiting;
      await log.append('killed.in', numbered(200, 300), late);
      await expectContents(log, 'killed.out', numbers(0, 300));
      await expect.poll(() => sorted([...new Set(drained)]), patient).toEqual(numbers(0, 300));
      for (const own of Map.groupBy(await contents(log, 'killed.out'), ({ key }) => key).values()) {
        expect(texts(own)).toEqual(sorted(texts(own)));
      }
    });

    test('killed: the log can still be stopped', async () => {
      const log = create();
      await log.start();
      await topics(log, 'stopped.in', 'stopped.out');
      await log.pipe({ from: ['stopped.in'], group: 'stopped.pipe', maxBatch: 5 }, copyTo('stopped.out'));
      await log.append('stopped.in', numbered(0, 100), late);
      await expectContents(log, 'stopped.out', numbers(0, 100));
      const tail = log.tail(['stopped.in'], { since: 0 });
      const seen: string[] = [];
      const reading = (async () => {
        for await (const records of tail) seen.push(...texts(records));
      })();
      await expect.poll(() => seen.length, patient).toBe(100);
      await kafka.kill();
      try {
        const waiting = log.append('stopped.in', [record('a', 1)], late).catch((error) => error);
        await log.stop();
        expect(await waiting).toMatchObject({ name: 'AppendError' });
        await reading;
      } finally {
        await kafka.restart();
      }
    });

    test('away while a member starts: it says so, waits, and follows its topics once Kafka is back', async () => {
      const warnings: string[] = [];
      const write = (line: string) => warnings.push((JSON.parse(line) as { msg: string }).msg);
      const log = create({ logger: pino({ level: 'warn' }, { write }) });
      await log.start();
      await topics(log, 'early.in', 'early.out');
      await kafka.kill();
      const starting = log.pipe({ from: ['early.in'], group: 'early.pipe' }, copyTo('early.out'));
      await expect.poll(() => warnings, patient).toContainEqual(expect.stringMatching(/cannot be .*; trying again$/));
      await kafka.restart();
      const running = await starting;
      await log.append('early.in', numbered(0, 20), late);
      await expectContents(log, 'early.out', numbers(0, 20));
      await running.stop();
    });

    test('that answers nothing any more: the log can still be stopped, whatever is under way', async () => {
      // No request ends by itself: only what is bounded on the way down ends.
      const log = create({ graceMs: 500, requestTimeoutMs: 3_600_000 });
      await log.start();
      await topics(log, 'frozen.in', 'frozen.out');
      const running = await log.pipe({ from: ['frozen.in'], group: 'frozen.pipe', maxBatch: 5 }, copyTo('frozen.out'));
      await log.append('frozen.in', numbered(0, 100), late);
      await expectContents(log, 'frozen.out', numbers(0, 100));
      const reading = contents(log, 'frozen.in').catch(() => []);
      await kafka.pause();
      try {
        const waiting = log.append('frozen.in', [record('a', 1)], late).catch((error) => error);
        const unanswered = log.lag('frozen.pipe', ['frozen.in']).catch((error) => error);
        await running.stop();
        await log.stop();
        expect(await waiting).toMatchObject({ name: 'AppendError' });
        expect(await unanswered).toBeInstanceOf(Error);
        await reading;
      } finally {
        kafka.resume();
      }
    });

    test('that answers nothing for a while: transactions with an unknown outcome are not made twice', async () => {
      const log = create();
      await log.start();
      await topics(log, 'paused.in', 'paused.out');
      const changed: string[] = [];
      const { transform, ...rest } = copyTo('paused.out');
      await log.pipe(
        { from: ['paused.in'], group: 'paused.pipe', maxBatch: 2 },
        {
          ...rest,
          transform: async (batch) => ({
            ...(await transform(batch)),
            committed: () => changed.push(...texts(batch.records)),
          }),
        },
      );
      await log.append('paused.in', numbered(0, 400), late);
      await expect.poll(() => changed.length, { ...patient, interval: 1 }).toBeGreaterThan(20);
      await kafka.pause();
      // Longer than a request may take, so that every outcome under way is unknown.
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      kafka.resume();
      await expectContents(log, 'paused.out', numbers(0, 400));
      await expect.poll(() => sorted(changed), patient).toEqual(numbers(0, 400));
    });

    test('lost as a whole: a running log makes its topics again, and its pipes continue with what comes then', async () => {
      const dataFolder = await mkdtemp(join(tmpdir(), 'gapline-lost-'));
      const first = await startKafka({ dataFolder });
      let second: Kafka | undefined;
      try {
        const log = create({ url: byClient(first.url) });
        await log.start();
        await topics(log, 'lost.in', 'lost.out');
        await log.pipe({ from: ['lost.in'], group: 'lost.pipe' }, copyTo('lost.out'));
        await log.append('lost.in', numbered(0, 100), late);
        await expectContents(log, 'lost.out', numbers(0, 100));
        await first.kill();
        await rm(join(dataFolder, 'topics'), { recursive: true });
        second = await startKafka({ dataFolder, port: first.port });
        const append = () =>
          log.append('lost.in', numbered(100, 200), late).then(
            () => true,
            () => false,
          );
        await expect.poll(append, patient).toBe(true);
        const copied = async () => sorted([...new Set(texts(await contents(log, 'lost.out').catch(() => [])))]);
        await expect.poll(copied, patient).toEqual(numbers(100, 200));
        await log.stop();
      } finally {
        await Promise.all([first.stop(), second?.stop()]);
        await rm(dataFolder, { recursive: true, force: true });
      }
    });
  },
);
