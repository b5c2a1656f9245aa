import { expect, test } from 'vitest';
import type { StoredRecord } from '../../core/log/port.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { ReadingBatch } from '../decode.ts';
import { createStreamModel } from '../stream-model.ts';
import { doubleModel } from '../testing/doubles.ts';
import { openModelSession } from './model-slot.ts';
import { replay } from './replay.ts';

const stream = { name: 's', fields: ['a', 'b'], topics: topicsOf('s') };

function recordOf(device: string, at: number): StoredRecord {
  const reading = { stream: 's', device, time: `${at}`, values: { a: at, b: 1 }, received: '1' };
  const value = Buffer.from(device === 'unreadable' ? '{' : JSON.stringify(reading));
  return { topic: 's.readings', partition: 0, offset: BigInt(at), arrivedMs: 0, key: device, value };
}

test('a record that a step cannot take is left out of a replay, and the rest is taken in its order, each once', () => {
  const taken: string[] = [];
  const opened = openModelSession(createStreamModel(stream, doubleModel({ memoryMs: 1_000 })));
  const session = {
    ...opened,
    session: {
      ...opened.session,
      warm(rows: { readonly devices: readonly string[] }) {
        if (rows.devices.includes('bad')) throw new Error('a step divides by zero');
        taken.push(...rows.devices);
      },
    },
  };
  const devices = ['a', 'b', 'bad', 'c', 'unreadable', 'd', 'bad', 'e'];
  const count = replay(session, new ReadingBatch(stream), devices.map(recordOf));
  expect(taken).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(count).toBe(5);
});
