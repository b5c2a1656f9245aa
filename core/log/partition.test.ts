import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { createPartitioner, murmur2 } from './partition.ts';

test('hashes as the Java client does', () => {
  // From UtilsTest.testMurmur2 of Apache Kafka.
  const cases: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  expect(cases.map(([key]) => murmur2(Buffer.from(key)))).toEqual(cases.map(([, hash]) => hash));
});

test('puts every key where the default partitioner of kafkajs puts it', () => {
  const ours = createPartitioner();
  const theirs = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
      const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
        partitionErrorCode: 0,
        partitionId,
        leader: 0,
        replicas: [],
        isr: [],
      }));
      const message = { key, value: '' };
      expect(ours(key, partitions)).toBe(theirs({ topic: 't', partitionMetadata, message }));
    }),
  );
});

test('spreads records without a key over all partitions', () => {
  const partitionOf = createPartitioner();
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 400; i++) counts[partitionOf(null, 4)]! += 1;
  expect(counts).toEqual([100, 100, 100, 100]);
});
