import { expect, test } from 'vitest';
import { decodeDeadLetter } from '../wire/dead-letter.ts';
import { statusSchema } from '../wire/status.ts';
import { topicsOf } from '../wire/stream.ts';
import { createReporter } from './reporter.ts';

const stream = { name: 'spam', fields: ['a'], topics: topicsOf('spam') };
const record = { topic: 'spam.readings', partition: 2, offset: 7n, key: 'd1', value: Buffer.from('{') };

function reporterAt(ms: { now: number }) {
  return createReporter({ stream, stage: 'archive', instance: 'one', now: () => ms.now });
}

test('a status holds the stage, its figures and the last error with its time', () => {
  const clock = { now: 0 };
  const reporter = reporterAt(clock);
  expect(reporter.status({ counters: { points: 1 }, lag: 3 })).toEqual({
    ...{ stream: 'spam', stage: 'archive', instance: 'one', at: '1970-01-01T00:00:00.000Z' },
    ...{ counters: { points: 1 }, lag: 3 },
  });
  reporter.noteError(new Error('first'));
  clock.now = 1_000;
  reporter.noteError('second');
  clock.now = 2_000;
  const status = reporter.status({ counters: {} });
  expect(status.at).toBe('1970-01-01T00:00:02.000Z');
  expect(status.lastError).toEqual({ at: '1970-01-01T00:00:01.000Z', message: 'second' });
  expect(statusSchema.parse(status)).toEqual(status);
});

test('an error that is over leaves the status, but takes no other with it', () => {
  const reporter = reporterAt({ now: 0 });
  const lastError = () => reporter.status({ counters: {} }).lastError?.message;
  reporter.noteError(new Error('unavailable'));
  reporter.noteError('another');
  reporter.endError(new Error('unavailable'));
  expect(lastError()).toBe('another');
  reporter.noteError(new Error('unavailable'));
  reporter.endError(new Error('unavailable'));
  expect(lastError()).toBeUndefined();
});

test('instances differ where nobody names them', () => {
  const [one, other] = [1, 2].map(() => createReporter({ stream, stage: 'archive' }).status({ counters: {} }).instance);
  expect(one).not.toBe(other);
});

test('a dead letter goes to the topic of dead letters, with the key of its record', () => {
  const letter = reporterAt({ now: 0 }).deadLetter(record, new Error('no JSON'));
  expect([letter.topic, letter.key]).toEqual(['spam.deadletters', 'd1']);
  expect(decodeDeadLetter(letter.value)).toMatchObject({
    ...{ stage: 'archive', topic: 'spam.readings', partition: 2, offset: '7' },
    ...{ value: '{', reason: 'no JSON', at: '1970-01-01T00:00:00.000Z' },
  });
});
