import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';
import type { Address } from '../address.ts';
import type { ConsumingClient } from '../consuming.ts';
import type { ClientOptions } from './client-options.ts';
import { PlatformaticFetcher } from './fetcher.ts';
import { openProducer } from './producer.ts';

const connectTimeoutMs = 5_000;
const metadataMaxAgeMs = 5_000;

/**
 * Consuming and committing by @platformatic/kafka. It repeats nothing by itself: a commit that it repeated after a rebalance, or a
 * request of a transaction that it repeated after a time-out, could undo what another member or the next transaction did.
 */
export function platformaticConsuming(address: Address, requestTimeoutMs: number): ConsumingClient {
  const options = clientOptions(address, requestTimeoutMs);
  const members = new WeakMap<object, PlatformaticFetcher>();
  return {
    fetcher: async (fetching) => {
      const fetcher = new PlatformaticFetcher(options, fetching);
      members.set(fetcher, fetcher);
      return fetcher;
    },
    producer: (transactionalId, fetcher) => {
      const member = members.get(fetcher);
      if (!member) throw new Error('The member belongs to another client');
      return openProducer(options, transactionalId, () => member.membership);
    },
  };
}

function clientOptions({ brokers, ssl, sasl }: Address, requestTimeout: number): ClientOptions {
  return {
    clientId: 'gapline',
    bootstrapBrokers: [...brokers],
    requestTimeout,
    connectTimeout: connectTimeoutMs,
    retries: false,
    metadataMaxAge: metadataMaxAgeMs,
    autocreateTopics: false,
    // Only a name may be sent as the server's name, no IP address.
    ...(ssl && { tls: ssl, tlsServerName: !brokers.some((broker) => isIP(broker.replace(/:\d+$/, ''))) }),
    ...(sasl && { sasl: loginOf(sasl) }),
  };
}

function loginOf(sasl: NonNullable<Address['sasl']>): NonNullable<BaseOptions['sasl']> {
  const { mechanism, username, password } = sasl as { mechanism: string; username: string; password: string };
  return { mechanism: mechanism.toUpperCase() as 'PLAIN', username, password };
}
