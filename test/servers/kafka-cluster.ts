import { join } from 'node:path';
import { type Kafka, startKafka } from './kafka.ts';
import { freePort } from './process.ts';

const count = 3;
const heapMegabytes = 256;

/** Three nodes of one Kafka. */
export interface KafkaCluster {
  readonly nodes: readonly Kafka[];
  /** `kafka://HOST:PORT,HOST:PORT,HOST:PORT`. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface KafkaClusterOptions {
  /** A folder for each node below it. Default: temporary ones. */
  readonly dataFolder?: string;
  /** What stands before a port of a node, given the node's number from 0: others are told its port. */
  readonly before?: (port: number, node: number, who: 'clients' | 'brokers') => Promise<number>;
}

/**
 * Three brokers (KRaft), each a controller, too, with small heaps. Every topic has three replicas, of which two must have a record before it is
 * acknowledged: any one of them may be away.
 */
export async function startKafkaCluster({
  dataFolder,
  before = async (port) => port,
}: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  const ports = await Promise.all(
    Array.from({ length: count }, async () => ({
      own: await freePort(),
      inner: await freePort(),
      controller: await freePort(),
    })),
  );
  const voters = ports.map(({ controller }, node) => `${node + 1}@127.0.0.1:${controller}`).join();
  const at = (name: string, port: number) => `${name}://127.0.0.1:${port}`;
  const start = async ({ own, inner, controller }: (typeof ports)[number], node: number) => {
    const advertised = [
      at('PLAINTEXT', await before(own, node, 'clients')),
      at('INNER', await before(inner, node, 'brokers')),
    ];
    return startKafka({
      port: own,
      heapMegabytes,
      ...(dataFolder !== undefined && { dataFolder: join(dataFolder, `${node + 1}`) }),
      properties: {
        'node.id': node + 1,
        'controller.quorum.voters': voters,
        listeners: [at('PLAINTEXT', own), at('INNER', inner), at('CONTROLLER', controller)].join(),
        'advertised.listeners': advertised.join(),
        'inter.broker.listener.name': 'INNER',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT',
        ...replicated,
      },
    });
  };
  const started = await Promise.allSettled(ports.map(start));
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())));
  const failed = started.find((each) => each.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return { nodes, url: `kafka://${nodes.map(({ broker }) => broker).join()}`, stop };
}

const replicated = {
  'default.replication.factor': 3,
  'min.insync.replicas': 2,
  'offsets.topic.replication.factor': 3,
  'transaction.state.log.replication.factor': 3,
  'transaction.state.log.min.isr': 2,
  'share.coordinator.state.topic.replication.factor': 3,
  'share.coordinator.state.topic.min.isr': 2,
  'replica.lag.time.max.ms': 5_000,
  // Soon enough for a test; the defaults are 9 s and more.
  'controller.quorum.election.timeout.ms': 1_000,
  'controller.quorum.fetch.timeout.ms': 2_000,
};
