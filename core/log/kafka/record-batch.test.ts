import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { originalEncoders } from './patch-records.ts';
import { encodeRecordBatch } from './record-batch.ts';

const { Record, RecordBatch } = originalEncoders();
const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each));
const content = fc.oneof(bytes, fc.string({ unit: 'grapheme', maxLength: 100 }), fc.constant(null));
const record = fc.record({ key: content, value: content, timestampDelta: fc.oneof(fc.constant(0), fc.nat(1_000_000)) });

test('a batch is the same bytes as from kafkajs', async () => {
  const head = fc.record({
    firstTimestamp: fc.maxSafeNat(),
    maxTimestamp: fc.maxSafeNat(),
    producerId: fc.oneof(fc.constant(-1), fc.maxSafeNat(), fc.bigInt(0n, 2n ** 63n - 1n).map(String)),
    producerEpoch: fc.nat(32_767),
    firstSequence: fc.nat(2 ** 31 - 1),
    transactional: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 200 }), head, async (all, fields) => {
      const records = all.map((each, offsetDelta) => ({ ...each, offsetDelta }));
      const batch = { ...fields, lastOffsetDelta: records.length - 1 };
      const theirs = await RecordBatch({ ...batch, records: records.map(Record) });
      const ours = encodeRecordBatch({ ...batch, records });
      expect(ours.equals(theirs.buf.subarray(0, theirs.offset))).toBe(true);
    }),
  );
});

test('the checksum of the test vectors of RFC 3720 and of any part of a buffer', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (all, from) => {
      expect(crc32c(all, Math.min(from, all.length))).toBe(crc32c(all.slice(Math.min(from, all.length))));
    }),
  );
});
