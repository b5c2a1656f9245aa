// Partitions are added on the Kafka that GAPLINE_TEST_KAFKA names.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { withAdmin, withoutKafka } from '../core/log/kafka/testing.ts';
import { createPartitioner } from '../core/log/partition.ts';
import { openRegistry } from '../core/model/registry/folder.ts';
import { sampleDraft } from '../core/model/testing.ts';
import { fields, type Line, openLine, patient } from './testing/line.ts';

const devices = Array.from({ length: 20 }, (_, number) => `device-${number}`);
const lastOf = (device: string) => 1_000 + devices.indexOf(device);

describe.skipIf(withoutKafka)(`imputer: last where partitions are added ${withoutKafka ?? ''}`, () => {
  let line: Line;
  let folder: string;
  beforeEach(async () => {
    line = await openLine('Kafka');
    folder = mkdtempSync(join(tmpdir(), 'gapline-models-'));
  });
  afterEach(async () => {
    await line.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('a device that stays keeps its last values; one that moves is as one that was never seen, and remembers from then on', {
    timeout: 120_000,
  }, async () => {
    const models = openRegistry({ folder, name: 'm' });
    await models.publish(await sampleDraft({ fields, seed: 2, imputer: { kind: 'last' } }));
    const classifier = await line.classify(models);
    const topic = line.stream.topics.readings;
    await line.send(...devices.map((device) => ({ device, time: 1, values: { a: 1, b: lastOf(device) } })));
    await classifier.taken(20);

    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 6 }] }));
    // Other keys than the devices', so that nothing of them is remembered.
    const probe = async () => {
      await line.send(...Array.from({ length: 12 }, (_, i) => ({ device: `probe-${i}`, time: Date.now() })));
      const grown = (await line.log.lag('nobody', [topic])).filter(({ partition, end }) => partition >= 3 && end > 0n);
      expect(grown).toHaveLength(3);
    };
    await vi.waitFor(probe, patient);
    await line.send(...devices.map((device) => ({ device, time: 2, values: { a: 1, b: null } })));
    await line.send(...devices.map((device) => ({ device, time: 3, values: { a: 1, b: 2_000 + lastOf(device) } })));
    await line.send(...devices.map((device) => ({ device, time: 4, values: { a: 1, b: null } })));
    const filledAt = async (time: string) => {
      const made = (await line.predictions()).filter((one) => one.time === time && !one.device.startsWith('probe'));
      expect(made).toHaveLength(devices.length);
      return new Map(made.map(({ device, filled }) => [device, filled.b]));
    };
    const later = await vi.waitFor(() => filledAt('4'), patient);
    expect(later).toEqual(new Map(devices.toSorted().map((device) => [device, 2_000 + lastOf(device)])));

    const filled = await filledAt('2');
    const partitionOf = createPartitioner();
    const stayed = devices.filter((device) => partitionOf(device, 3) === partitionOf(device, 6));
    const moved = devices.filter((device) => !stayed.includes(device));
    expect(Math.min(stayed.length, moved.length)).toBeGreaterThan(3);
    expect(stayed.map((device) => filled.get(device))).toEqual(stayed.map(lastOf));
    const means = new Set(moved.map((device) => filled.get(device)));
    expect(means.size).toBe(1);
    expect(Math.max(...[...means].map(Number))).toBeLessThan(1_000);
  });
});
