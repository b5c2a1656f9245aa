import { expect, test } from 'vitest';
import { record, silent } from '../contract/fixture.ts';
import { AppendError } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';
import { KafkaWriter } from './writer.ts';

const maxWaitingBytes = 10_000_000;
/** 6.4 MB in records that Kafka would take. */
const large = Array.from({ length: 8 }, (_, n) => record(`device-${n}`, 'x'.repeat(800_000)));

/** An writer whose broker never answers; topics are looked up by `partitionCount`. */
const appenderWith = (partitionCount: () => Promise<number>) =>
  new KafkaWriter({
    connect: () => new Promise(() => {}),
    admin: { partitionCount } as unknown as KafkaAdmin,
    partitionOf: () => 0,
    logger: silent,
    maxWaitingBytes,
  });

const outcomeOf = (append: Promise<void>): Promise<string> =>
  append.then(
    () => 'durable',
    (error: AppendError) => error.message,
  );

test('appends that start together share one memory bound', async () => {
  const metadata = Promise.withResolvers<number>();
  const writer = appenderWith(() => metadata.promise);
  const appends = Array.from({ length: 20 }, () => outcomeOf(writer.append('readings', large, 200)));
  metadata.resolve(1);
  const outcomes = await Promise.all(appends);
  const refused = outcomes.filter((message) => /wait to be sent/.test(message));
  // The first one fits, each further one would not.
  expect(refused).toHaveLength(19);
});

test('an append that fails gives its share of the memory bound back', async () => {
  let fails = true;
  const writer = appenderWith(async () => {
    if (fails) throw new Error('no metadata');
    return 1;
  });
  const small = [record('device-1', 'x')];
  expect(await outcomeOf(writer.append('readings', large, 200))).toMatch(/no metadata/);
  fails = false;
  // One waits at the broker, so that the bound is checked for the next.
  const waiting = outcomeOf(writer.append('readings', small, 200));
  expect(await outcomeOf(writer.append('readings', large, 200))).not.toMatch(/wait to be sent/);
  expect(await waiting).not.toMatch(/wait to be sent/);
  expect(await outcomeOf(writer.append('readings', large, 50))).not.toMatch(/wait to be sent/);
});

test('a record that Kafka would never take is refused before it counts', async () => {
  const writer = appenderWith(async () => 1);
  const tooLarge = writer.append('readings', [record('device-1', 'x'.repeat(1_000_000))], 50);
  await expect(tooLarge).rejects.toBeInstanceOf(AppendError);
  await expect(tooLarge).rejects.toMatchObject({
    outcome: 'refused',
    message: expect.stringContaining('1000048 bytes'),
  });
});
