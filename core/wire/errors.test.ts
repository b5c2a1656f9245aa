import { describe, expect, test } from 'vitest';
import { describeError, describeWithRemedy, GaplineError, oneLine } from './errors.ts';

test('what to do follows what is wrong, with one mark between them', () => {
  const described = (detail: string) =>
    describeWithRemedy(new GaplineError('config-invalid', detail), 'config-invalid');
  expect(described('training.shapelts: did you mean shapelets?')).toBe(
    'training.shapelts: did you mean shapelets? Correct what is named. [config-invalid]',
  );
  expect(described('rate: found 0')).toBe('rate: found 0. Correct what is named. [config-invalid]');
});

describe('an error is described', () => {
  test('with its causes, each once', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:9092');
    const unavailable = new GaplineError('log-unavailable', 'Kafka is unavailable', { cause: refused });
    expect(describeError(unavailable)).toBe('Kafka is unavailable (connect ECONNREFUSED 127.0.0.1:9092)');
    const told = new Error('no start: Kafka is unavailable (connect ECONNREFUSED 127.0.0.1:9092)', {
      cause: unavailable,
    });
    expect(describeError(told)).toBe(told.message);
  });

  test('by what each address of a host said, where it has no words of its own', () => {
    const refused = (address: string) => new Error(`connect ECONNREFUSED ${address}`);
    const all = new AggregateError([refused('::1:1'), refused('127.0.0.1:1'), refused('::1:1')]);
    expect(describeError(new TypeError('fetch failed', { cause: all }))).toBe(
      'fetch failed (connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1)',
    );
    expect(describeError(new AggregateError([]))).toBe('AggregateError');
  });

  test('where it is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(describeError(error)).toBe('round');
    const [one, other] = [new Error('one'), new AggregateError([])];
    one.cause = other;
    other.errors.push(one);
    expect(describeError(one)).toBe('one');
  });

  test('where it is no error', () => {
    expect(describeError('a word')).toBe('a word');
    expect(describeError(undefined)).toBe('undefined');
  });
});

describe('foreign text becomes one line', () => {
  test('without what a terminal takes for commands', () => {
    expect(oneLine('a \r\n\t b\u2028c\td\u001b[31me\u0085')).toBe('a b c d\\u001b[31me\\u0085');
    expect(oneLine('a  b   c')).toBe('a  b   c');
  });

  test('cut in its middle, in time that grows with its length', () => {
    const line = oneLine(`begin${' '.repeat(5_000_000)}end`);
    expect(line).toMatch(/^begin +… +end$/);
    expect(line.length).toBeLessThan(2_000);
  });
});
