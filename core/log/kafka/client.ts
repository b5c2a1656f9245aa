import { createRequire } from 'node:module';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Cluster, Kafka, logLevel, RetryOptions } from 'kafkajs';
import type { Logger } from 'pino';
import { sleep } from '../../retry/sleep.ts';
import type { Address } from './address.ts';
import { patchConnections } from './patch-connections.ts';
import { patchOffsets } from './patch-offsets.ts';
import { patchRecords } from './patch-records.ts';

const connectionTimeoutMs = 5_000;
const keepAliveMs = 60_000;
const disconnectMs = 1_500;

/** A connection to Kafka of its own: producers, consumers and the admin each have one. */
export interface Client {
  readonly kafka: Kafka;
  /** What kafkajs made last of its connections; undefined before it has made any. */
  readonly cluster: () => Cluster | undefined;
  /** Closes every connection and opens no new one, which also ends what kafkajs still retries by itself. */
  kill(): void;
  /** Gives `leave` a moment to disconnect, then kills. */
  close(leave: () => Promise<unknown>): Promise<void>;
}

export interface ClientOptions {
  readonly address: Address;
  readonly logger: Logger;
  readonly retry: RetryOptions;
  /** How long a request may go without an answer. */
  readonly requestTimeoutMs: number;
}

/** kafkajs with what the log replaces in it. Where anyone imports it before that, the log has kafkajs' own. */
export async function loadKafkajs() {
  patchRecords();
  patchOffsets();
  patchConnections();
  return await import('kafkajs');
}

/** Loads kafkajs, on first use only. */
export async function createClient({ address, logger, retry, requestTimeoutMs }: ClientOptions): Promise<Client> {
  const { Kafka, logLevel } = await loadKafkajs();
  patchTimers();
  const sockets = new Set<Socket>();
  let killed = false;

  const kafka = new Kafka({
    clientId: 'gapline',
    // Without a broker to try, kafkajs gives up at once.
    brokers: async () => (killed ? [] : address.brokers),
    ssl: address.ssl,
    ...(address.sasl && { sasl: address.sasl }),
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry,
    socketFactory: ({ host, port, ssl, onConnect }) => {
      if (killed) throw new Error('this connection was given up');
      const socket = ssl
        ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
        : connectPlain({ host, port }, onConnect);
      socket.setKeepAlive(true, keepAliveMs);
      // Each request that waits for a slow connection adds a listener; that is no leak to warn of.
      socket.setMaxListeners(0);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    logCreator: () => logTo(logger, logLevel),
  });

  function kill(): void {
    killed = true;
    // Only an error makes kafkajs drop a connection and the requests that wait for it.
    for (const socket of sockets) socket.destroy(new Error('given up'));
  }

  async function close(leave: () => Promise<unknown>): Promise<void> {
    await Promise.race([leave().catch(() => {}), sleep(disconnectMs, { ref: false })]);
    kill();
  }

  return { kafka, cluster: newestCluster(kafka), kill, close };
}

/** kafkajs gives its cluster to nobody but partition assigners. */
function newestCluster(kafka: Kafka): () => Cluster | undefined {
  const isMaker = ({ description }: symbol) => description === 'private:Kafka:createCluster';
  const maker = Object.getOwnPropertySymbols(kafka).find(isMaker);
  if (maker === undefined) throw new Error('This version of kafkajs makes its clusters in another way');
  const inside = kafka as unknown as Record<symbol, (options: object) => Cluster>;
  const make = inside[maker];
  let newest: Cluster | undefined;
  inside[maker] = (options) => {
    newest = make?.(options);
    return newest as Cluster;
  };
  return () => newest;
}

/** kafkajs logs as errors what it then retries by itself; the log's own modules log what matters. */
const logTo =
  (logger: Logger, levels: typeof logLevel) =>
  ({ level, log, namespace }: { level: logLevel; namespace: string; log: { message: string; error?: string } }) => {
    if (level > levels.INFO) return;
    logger.debug({ kafkajs: namespace, reason: log.error }, log.message);
  };

interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  checkPendingRequests(): void;
}

let patched = false;

/**
 * kafkajs 2.2.4 sets a timer with a negative time-out after each answer, even when nothing waits, and Node 24 warns of each
 * (TimeoutNegativeWarning). This is the same method with a timer only where there is something to wait for.
 */
function patchTimers(): void {
  if (patched) return;
  patched = true;
  const queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { prototype: object };
  Object.assign(queue.prototype, {
    scheduleCheckPendingRequests(this: RequestQueue) {
      if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
      const waitMs = Math.max(10, this.throttledUntil - Date.now());
      this.throttleCheckTimeoutId = setTimeout(() => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      }, waitMs);
    },
  });
}
