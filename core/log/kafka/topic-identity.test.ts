import type { Cluster } from 'kafkajs';
import { expect, test, vi } from 'vitest';
import { TopicIdentity } from './topic-identity.ts';

test('a broker that never answers keeps no later look waiting', async () => {
  const answers = [
    new Promise(() => {}),
    Promise.resolve(new Map([['t', 'aa']])),
    Promise.resolve(new Map([['t', 'bb']])),
  ];
  const withBroker = vi.fn(() => answers.shift());
  const remade = vi.fn();
  const identity = new TopicIdentity(['t'], remade, 20);
  identity.use({ brokerPool: { withBroker } } as unknown as Cluster);
  const first = expect(identity.check()).rejects.toThrow('No broker gives the ids of topics');
  const later = [identity.check(), identity.check()];
  await first;
  await Promise.all(later);
  expect(withBroker).toHaveBeenCalledTimes(3);
  expect(remade.mock.calls).toEqual([['t']]);
});
