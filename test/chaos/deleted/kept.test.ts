import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeRecordBatch } from '../../../core/log/kafka/record-batch.ts';
import { KeptTopics } from './kept.ts';

const attributesAt = 21;
const control = 32;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gapline-kept-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A batch as Kafka keeps it: the producer's, with the offset that the broker gave it. */
function batch(offset: number, values: readonly string[], producerId?: number): Buffer {
  const records = values.map((value, offsetDelta) => ({
    offsetDelta,
    timestampDelta: 0,
    key: 'k',
    value: Buffer.from(value),
  }));
  return at(offset, records, producerId);
}

function marker(offset: number, producerId: number, what: 'commit' | 'abort'): Buffer {
  const key = Buffer.from([0, 0, 0, what === 'commit' ? 1 : 0]);
  const bytes = at(offset, [{ offsetDelta: 0, timestampDelta: 0, key, value: Buffer.alloc(6) }], producerId);
  bytes.writeInt16BE(bytes.readInt16BE(attributesAt) | control, attributesAt);
  return bytes;
}

type Records = Parameters<typeof encodeRecordBatch>[0]['records'];

function at(offset: number, records: Records, producerId?: number): Buffer {
  const times = { firstTimestamp: 5, maxTimestamp: 5 };
  const producer = {
    producerId: producerId ?? -1,
    producerEpoch: 0,
    firstSequence: 0,
    transactional: producerId !== undefined,
  };
  const bytes = Buffer.from(encodeRecordBatch({ ...times, ...producer, lastOffsetDelta: records.length - 1, records }));
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

function write(partition: string, ...batches: readonly Buffer[]): string {
  const own = join(folder, 'topics', partition);
  mkdirSync(own, { recursive: true });
  const file = join(own, '00000000000000000000.log');
  writeFileSync(file, Buffer.concat(batches));
  return file;
}

const texts = (partitions: readonly { value: Uint8Array }[][]) =>
  partitions.map((own) => own.map(({ value }) => Buffer.from(value).toString()));

test('what was committed when a topic was deleted is known, also what came after its files were linked', async () => {
  const aborted = [batch(2, ['c'], 8), marker(3, 8, 'abort')];
  const open = batch(7, ['f'], 9);
  const first = [
    batch(0, ['a', 'b'], 7),
    ...aborted,
    batch(4, ['d'], 7),
    marker(5, 7, 'commit'),
    batch(6, ['e']),
    open,
  ];
  const file = write('t-0', ...first);
  write('t-1', batch(0, ['x']));
  write('t-other-0', batch(0, ['y']));
  const kept = new KeptTopics(folder);
  await kept.keep('t');
  appendFileSync(file, Buffer.concat([batch(8, ['g']), batch(9, ['cut off by a crash']).subarray(0, 40)]));
  rmSync(join(folder, 'topics', 't-0'), { recursive: true });
  expect(texts(await kept.records('t'))).toEqual([['a', 'b', 'd', 'e', 'g'], ['x']]);
  expect(await kept.records('nothing')).toEqual([]);
});

test('an emptied broker is formatted and holds nothing; what it held is known', async () => {
  write('t-0', batch(0, ['a']));
  writeFileSync(join(folder, 'topics', 'meta.properties'), 'cluster.id=1');
  const kept = new KeptTopics(folder);
  await kept.empty();
  write('t-0', batch(0, ['b']));
  await kept.keep('t');
  expect(texts(await kept.records('t'))).toEqual([['a'], ['b']]);
});
