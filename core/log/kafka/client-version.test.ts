import { expect, test } from 'vitest';
import { requireNodeFor } from './client-version.ts';

test.each(['22.18.0', '22.21.9', '23.11.0', '24.4.0', '24.5.1'])('on Node %s only kafkajs is taken', (version) => {
  expect(() => requireNodeFor('kafkajs', version)).not.toThrow();
  expect(() => requireNodeFor('platformatic', version)).toThrow(
    expect.objectContaining({
      code: 'config-invalid',
      retryable: false,
      message: `platformatic:// needs Node 22.22 or newer of Node 22, or 24.6 or newer (this is ${version}): install it, or use kafka://, which needs nothing more`,
    }),
  );
});

test.each(['22.22.0', '22.30.1', '24.6.0', '24.21.0', '25.0.0', '26.1.0'])('Node %s has both clients', (version) => {
  expect(() => requireNodeFor('kafkajs', version)).not.toThrow();
  expect(() => requireNodeFor('platformatic', version)).not.toThrow();
});
