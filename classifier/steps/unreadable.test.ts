import { expect, test } from 'vitest';
import { encodeCheckpoint } from '../../core/log/checkpoint.ts';
import { StateWriter } from '../../core/steps/state.ts';
import { doubleModel } from '../testing/doubles.ts';
import { untilTaken } from '../testing/line.ts';
import { linesOfEachTest } from '../testing/lines.ts';
import { identities, samples, steps, undisturbed } from '../testing/windows.ts';

const lines = linesOfEachTest();

const checkpoints = { everyRecords: 20, everyMs: 3_600_000 };
const ofAnotherFormat = () => {
  const writer = new StateWriter();
  writer.number(999);
  return writer.finish();
};

test.each<[string, (topic: string, partition: number, positions: ReadonlyMap<string, bigint>) => Uint8Array]>([
  ['a record without a header', () => Buffer.from('damaged')],
  ['a header that is no JSON', () => Buffer.from('{"format":\n')],
  ['a header of a later format', () => Buffer.from('{"format":9}\nstate')],
  ['a header with positions that are no numbers', () => Buffer.from('{"format":1,"parts":1,"positions":{"a":"x"}}\n')],
  [
    'a state of another format',
    (topic, partition, positions) =>
      encodeCheckpoint(topic, partition, { positions, state: ofAnotherFormat() })[0]?.value ?? new Uint8Array(),
  ],
  [
    'a state that is cut off',
    (topic, partition, positions) =>
      encodeCheckpoint(topic, partition, { positions, state: new Uint8Array(20) })[0]?.value ?? new Uint8Array(),
  ],
])('%s in place of a checkpoint stops nothing: said, counted, restored from what is recent', async (_, damage) => {
  const line = await lines.open();
  const { log, stream } = line;
  const readings = samples(8);
  const first = await line.classify(doubleModel({ steps }), { checkpoints });
  await line.send(...readings.slice(0, 200));
  await first.taken(200);
  await first.stop();
  const lags = await log.lag(`${stream.name}.classifier`, [stream.topics.readings]);
  for (const { partition, committed } of lags) {
    const value = damage(stream.topics.state, partition, new Map([[stream.topics.readings, committed]]));
    const record = { key: `${partition}`, partitionKey: `${partition}`, value };
    await log.append(stream.topics.state, [record], { deadlineMs: 30_000 });
  }
  const second = await line.classify(doubleModel({ steps }), { checkpoints });
  await line.send(...readings.slice(200));
  await untilTaken(line);
  // All of it arrived just now, so the replay of what is recent restores every window.
  expect(identities(await line.predictions())).toEqual(await undisturbed(readings));
  expect(await second.registry.metrics()).toMatch(/checkpoints_lost_total\{outcome="unread"\} 3\n/);
});
