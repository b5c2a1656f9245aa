// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testKafka, withAdmin, withoutKafka } from '../core/log/kafka/testing.ts';
import { totalLag } from '../core/log/port.ts';
import { alertsGroup, createAlerts } from './alerts.ts';
import { deliveryGroup } from './delivery/deliver.ts';
import { ruleOf } from './rules/rule.ts';
import { alertsIn, openLine, openReceiver, patient, silent } from './testing.ts';

/** As Kafka does with the offsets of a group that is stopped for a week. */
async function forgetOffsets(prefix: string): Promise<void> {
  await withAdmin(async (admin) => {
    const { groups } = await admin.listGroups();
    const own = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix));
    expect(own.length).toBeGreaterThan(1);
    await admin.deleteGroups(own);
  });
}

/** As Kafka does with what is older than the retention. */
async function deleteRecords(topic: string): Promise<void> {
  await withAdmin(async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic);
    const partitions = offsets.map(({ partition, high }) => ({ partition, offset: high }));
    await admin.deleteTopicRecords({ topic, partitions });
  });
}

describe.skipIf(!testKafka)(`where offsets expire on Kafka${withoutKafka ? ` (${withoutKafka})` : ''}`, () => {
  test('what raised alerts before raises none again, and what fired is resolved', { timeout: 180_000 }, async () => {
    const line = await openLine('Kafka');
    const receiver = await openReceiver();
    const { stream, log } = line;
    onTestFinished(async () => {
      await receiver.close();
      await line.close();
    });
    async function start() {
      const webhook = { name: 'ops', url: receiver.url, secret: undefined, allowPrivate: true };
      const rules = [{ name: 'bad', label: 'bad' }].map(ruleOf);
      const stage = createAlerts({
        ...{ stream, log, logger: silent, registry: new Registry(), rules, webhooks: [webhook] },
      });
      await stage.start();
      return stage;
    }
    const told = () => receiver.taken().map(({ alert }) => `${alert.subject} ${alert.state}`);

    const first = await start();
    await line.predict({ time: 1, device: 'a' }, { time: 1, device: 'b' });
    await expect.poll(() => told().sort(), patient).toEqual(['a firing', 'b firing']);
    await first.stop();
    await forgetOffsets(stream.name);

    const second = await start();
    await line.predict({ time: 2, device: 'a' }, { time: 2, device: 'b' }, { time: 2, device: 'c' });
    await expect.poll(() => told().includes('c firing'), patient).toBe(true);
    const waiting = async () =>
      totalLag(await log.lag(alertsGroup(stream), [stream.topics.predictions])) +
      totalLag(await log.lag(deliveryGroup(stream, 'ops'), [stream.alerts.alerts]));
    await expect.poll(waiting, patient).toBe(0);
    expect(told().sort()).toEqual(['a firing', 'b firing', 'c firing']);
    expect(await alertsIn(log, stream.alerts.alerts)).toHaveLength(3);

    // The first batch of a start writes down what fires; what came before it is deleted by its age.
    await second.stop();
    await forgetOffsets(stream.name);
    await deleteRecords(stream.topics.predictions);
    const third = await start();
    onTestFinished(() => third.stop());
    await line.predict({ time: 3, device: 'a', label: 'good' });
    await expect.poll(() => told().sort(), patient).toEqual(['a firing', 'a resolved', 'b firing', 'c firing']);
    const [fired, resolved] = ['firing', 'resolved'].map((state) =>
      receiver.taken().find(({ alert }) => alert.subject === 'a' && alert.state === state),
    );
    expect(resolved?.alert.id).toBe(fired?.alert.id);
  });
});
