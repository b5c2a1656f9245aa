import { pino } from 'pino';
import { expect, test } from 'vitest';
import { GaplineError } from '../../wire/errors.ts';
import { kafkaError } from './errors.ts';
import { whileUnavailable } from './while-unavailable.ts';

const options = (stopping = new AbortController()) => ({
  ...{ signal: stopping.signal, logger: pino({ level: 'silent' }), pauseMs: 1 },
});

test('connections that break off again and again are waited for, however often that is', async () => {
  let left = 100;
  const broken = kafkaError('Topic readings does not appear', new Error('Closed connection'));
  expect(await whileUnavailable(options(), async () => (left-- > 0 ? Promise.reject(broken) : 'there'))).toBe('there');
});

test.each(['UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION'])(
  '%s passes by itself, so it is waited for',
  async (type) => {
    let left = 3;
    const unsettled = kafkaError('readings cannot be followed', Object.assign(new Error('not yet'), { type }));
    expect(await whileUnavailable(options(), async () => (left-- > 0 ? Promise.reject(unsettled) : 'there'))).toBe(
      'there',
    );
  },
);

test('a stop while it waits ends it without another attempt', async () => {
  const stopping = new AbortController();
  let attempts = 0;
  const broken = kafkaError('readings cannot be followed', new Error('Closed connection'));
  const waiting = whileUnavailable({ ...options(stopping), pauseMs: 3_600_000 }, async () => {
    attempts += 1;
    throw broken;
  });
  setImmediate(() => stopping.abort());
  await expect(waiting).rejects.toBe(broken);
  expect(attempts).toBe(1);
});

test('a topic that is wrong, a denied access and a defect end it at once; so does a stop', async () => {
  const errors = [
    new GaplineError('topic-mismatch', 'too few partitions', { retryable: false }),
    new GaplineError('topic-mismatch', 'there is no such topic', { retryable: true }),
    new GaplineError('log-unavailable', 'access is denied', { retryable: false }),
    kafkaError('Topics cannot be made', Object.assign(new Error('denied'), { type: 'TOPIC_AUTHORIZATION_FAILED' })),
    new TypeError('a defect'),
  ];
  for (const error of errors)
    await expect(whileUnavailable(options(), () => Promise.reject(error))).rejects.toBe(error);
  const stopping = new AbortController();
  const broken = kafkaError('Topic readings does not appear', new Error('Closed connection'));
  const waiting = whileUnavailable(options(stopping), () => Promise.reject(broken));
  stopping.abort();
  await expect(waiting).rejects.toBe(broken);
});
