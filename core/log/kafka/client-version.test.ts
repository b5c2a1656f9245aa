import { expect, test } from 'vitest';
import { clientFor } from './client-version.ts';

test.each(['22.18.0', '22.21.9', '23.11.0', '24.4.0', '24.5.1'])('on Node %s only kafkajs is taken', (version) => {
  expect(clientFor('kafkajs', version)).toBe('kafkajs');
  expect(clientFor(undefined, version)).toBe('kafkajs');
  expect(() => clientFor('platformatic', version)).toThrow(
    expect.objectContaining({
      code: 'config-invalid',
      retryable: false,
      message: `platformatic:// needs Node 22.22 or newer of Node 22, or 24.6 or newer (this is ${version}): install it, or use kafka://, which needs nothing more`,
    }),
  );
});

test.each(['22.22.0', '22.30.1', '24.6.0', '24.21.0', '25.0.0', '26.1.0'])('Node %s has both clients', (version) => {
  expect(clientFor('kafkajs', version)).toBe('kafkajs');
  expect(clientFor('platformatic', version)).toBe('platformatic');
  expect(clientFor(undefined, version)).toBe('platformatic');
});

test('where npm left the package out, kafka:// does without it and platformatic:// says so', () => {
  expect(clientFor(undefined, '24.21.0', false)).toBe('kafkajs');
  expect(() => clientFor('platformatic', '24.21.0', false)).toThrow(/@platformatic\/kafka, which is not installed: /);
});
