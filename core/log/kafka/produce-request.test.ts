import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { originalRequests } from './patch-records.ts';
import { encodeProduceRequest, isPlainRequest } from './produce-request.ts';

const { produceRequest, createRequest } = originalRequests();
const nowMs = 1_700_000_000_000;

const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each));
const key = fc.oneof(bytes, fc.string({ unit: 'grapheme', maxLength: 50 }), fc.constant(null));
const partition = fc.record({
  partition: fc.nat(1_000),
  firstSequence: fc.nat(2 ** 31 - 1),
  messages: fc.array(fc.record({ key, value: fc.oneof(bytes, fc.constant(null)) }), { minLength: 1, maxLength: 50 }),
});
const topic = fc.record({
  topic: fc.string({ unit: 'grapheme', maxLength: 20 }),
  partitions: fc.array(partition, { minLength: 1, maxLength: 5 }),
});
const produce = fc.record({
  acks: fc.constantFrom(-1, 1),
  timeout: fc.nat(),
  transactionalId: fc.oneof(fc.constant(undefined), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })),
  producerId: fc.oneof(fc.constant('-1'), fc.bigInt(0n, 2n ** 63n - 1n).map(String)),
  producerEpoch: fc.nat(32_767),
  topicData: fc.array(topic, { maxLength: 3 }),
});

test('a request is the same bytes as from kafkajs', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(nowMs);
  const head = fc.record({ correlationId: fc.nat(2 ** 31 - 1), clientId: fc.string({ unit: 'grapheme' }) });
  await fc.assert(
    fc.asyncProperty(produce, head, async (own, { correlationId, clientId }) => {
      expect(isPlainRequest(own)).toBe(true);
      const request = produceRequest(own);
      const { buf, offset } = await createRequest({ request, correlationId, clientId });
      const { apiKey, apiVersion } = request;
      const ours = encodeProduceRequest(own, { apiKey, apiVersion, correlationId, clientId }, nowMs);
      expect(ours.equals(buf.subarray(0, offset))).toBe(true);
    }),
  );
});

test('messages with headers or times of their own, and compressed ones, are left to kafkajs', () => {
  const request = (message: object, compression = 0) => ({
    ...{ acks: -1, timeout: 1, compression },
    topicData: [{ topic: 't', partitions: [{ partition: 0, messages: [{ value: 'x', ...message }] }] }],
  });
  expect(isPlainRequest(request({ headers: undefined, timestamp: null }))).toBe(true);
  expect(isPlainRequest(request({ headers: { a: 'b' } }))).toBe(false);
  expect(isPlainRequest(request({ timestamp: '1700000000000' }))).toBe(false);
  expect(isPlainRequest(request({}, 1))).toBe(false);
});
