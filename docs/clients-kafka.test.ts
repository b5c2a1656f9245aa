// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { kafkaUnderTest, testKafka, withoutKafka } from '../core/log/kafka/testing.ts';
import { obtain, obtained } from '../test/servers/obtain.ts';
import { pythonClassifierSupply } from '../test/servers/python-packages.ts';

// The consumer in Python that docs/clients.md shows is run as it stands there, but for broker, topic and group.

const page = readFileSync(join(import.meta.dirname, 'clients.md'), 'utf8');
const snippet = /^```python\n(import json\nfrom confluent_kafka.*?)^```/ms.exec(page)?.[1] ?? '';
const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const notRun =
  withoutKafka ??
  (required || obtained(pythonClassifierSupply) ? undefined : 'NOT RUN, GAPLINE_REQUIRE_SERVERS=1 gets its packages');

test.skipIf(notRun)(
  `a consumer in Python prints the labels${notRun ? `: ${notRun}` : ''}`,
  { timeout: 300_000 },
  async () => {
    const folder = await obtain(pythonClassifierSupply, (row) => console.error(`servers: ${row}`));
    const prefix = `c${randomUUID().slice(0, 8)}`;
    const site = await kafkaUnderTest({ prefix });
    const log = site.create();
    await log.start();
    onTestFinished(async () => {
      await log.stop();
      await site.remove(prefix);
    });
    const topic = `${prefix}.predictions`;
    await log.ensureTopics([{ name: topic, partitions: 2, retentionMs: 3_600_000 }]);
    const prediction = { device: 'mailbox-6', label: 'spam', probability: 0.75 };
    const record = { key: 'mailbox-6', value: Buffer.from(JSON.stringify(prediction)) };
    await log.append(topic, [record], { deadlineMs: 30_000 });
    const code = snippet
      .replace('127.0.0.1:9092', `${testKafka}`.replace('kafka://', ''))
      .replace('spam_predictions', topic)
      .replace('my-program', `${prefix}.group`);
    const child = spawn('python3', ['-c', code], { env: { ...process.env, PYTHONPATH: folder } });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    onTestFinished(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    await expect.poll(() => printed, { timeout: 120_000, interval: 100 }).toBe('mailbox-6 spam 0.75\n');
  },
);
