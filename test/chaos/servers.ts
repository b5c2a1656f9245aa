import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Influxdb, startInfluxdb } from '../servers/influxdb.ts';
import { startKafka } from '../servers/kafka.ts';
import { startKafkaCluster } from '../servers/kafka-cluster.ts';
import { freePort, type ServerHandle } from '../servers/process.ts';
import { startTelegraf } from '../servers/telegraf.ts';
import { asPart, type Part } from './parts.ts';
import { HttpProxy } from './proxies/http-proxy.ts';
import { KafkaProxy } from './proxies/kafka-proxy.ts';
import { type KafkaConnections, kafkaTogether, oneByOne } from './together.ts';
import type { Undo } from './undo.ts';

/** A server, and the proxy that its clients come through. */
export interface Behind<S extends ServerHandle, D> {
  readonly server: S;
  readonly proxy: D;
}

/** Kafka as the campaign has it. */
export interface KafkaServers {
  /** With three brokers, one after the other is killed. */
  readonly part: Part;
  /** What Gapline and Telegraf come through. */
  readonly proxy: KafkaConnections;
  /** `HOST:PORT` of what stands before each broker. */
  readonly addresses: readonly string[];
  /** `HOST:PORT` of each broker itself. */
  readonly brokers: readonly string[];
  /** By broker, where there are several: what its clients and the other brokers come through. */
  readonly apart: readonly KafkaConnections[];
}

/** One broker, or three that hold every topic. */
export async function startBrokers(
  { count, dataFolder, tell }: { count: 1 | 3; dataFolder: string; tell: (line: string) => void },
  undo: Undo,
): Promise<KafkaServers> {
  if (count === 3) return startThree(tell, undo);
  const { server, proxy } = await startBroker(dataFolder, undo);
  const brokers = [server.url.replace('kafka://', '')];
  return { part: asPart(server, tell), proxy, addresses: [`127.0.0.1:${proxy.port}`], brokers, apart: [] };
}

async function startThree(tell: (line: string) => void, undo: Undo): Promise<KafkaServers> {
  const toClients: KafkaProxy[] = [];
  const byNode: KafkaProxy[][] = [];
  const cluster = await startKafkaCluster({
    async before(port, node, who) {
      const proxy = new KafkaProxy(port);
      await proxy.start();
      undo.add(() => proxy.stop());
      if (who === 'clients') toClients.push(proxy);
      byNode[node] = [...(byNode[node] ?? []), proxy];
      return proxy.port;
    },
  });
  undo.add(() => cluster.stop());
  return {
    part: oneByOne(
      'kafka',
      cluster.nodes.map((node) => asPart(node, tell)),
    ),
    proxy: kafkaTogether(toClients),
    addresses: toClients.map(({ port }) => `127.0.0.1:${port}`),
    brokers: cluster.nodes.map(({ broker }) => broker),
    apart: byNode.map(kafkaTogether),
  };
}

/** A broker that speaks with itself beside the proxy. */
async function startBroker(dataFolder: string, undo: Undo): Promise<Behind<ServerHandle, KafkaProxy>> {
  const [port, inner, controller] = [await freePort(), await freePort(), await freePort()];
  const proxy = new KafkaProxy(port);
  await proxy.start();
  undo.add(() => proxy.stop());
  const at = (name: string, of: number) => `${name}://127.0.0.1:${of}`;
  const server = await startKafka({
    port,
    dataFolder,
    properties: {
      listeners: [at('PLAINTEXT', port), at('INNER', inner), at('CONTROLLER', controller)].join(),
      'advertised.listeners': [at('PLAINTEXT', proxy.port), at('INNER', inner)].join(),
      'inter.broker.listener.name': 'INNER',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT',
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    },
  });
  undo.add(() => server.stop());
  return { server, proxy };
}

export async function startStore(undo: Undo): Promise<Behind<Influxdb, HttpProxy>> {
  const server = await startInfluxdb();
  undo.add(() => server.stop());
  const proxy = new HttpProxy({ target: server.url });
  await proxy.start();
  undo.add(() => proxy.stop());
  return { server, proxy };
}

export interface Forwarding {
  readonly root: string;
  readonly folder: string;
  /** What `gapline telegraf-config` wrote, by stream. */
  readonly inputs: readonly string[];
  readonly influxdb: Behind<Influxdb, HttpProxy>;
}

/** Telegraf, from Kafka to InfluxDB, by their proxies. */
export async function startForwarding(
  { root, folder, inputs, influxdb }: Forwarding,
  undo: Undo,
): Promise<ServerHandle> {
  const files = inputs.map((_, index) => join(folder, `stream-${index}.conf`));
  await Promise.all(inputs.map((text, index) => writeFile(files[index] ?? '', text)));
  const { org, bucket, token } = influxdb.server;
  const telegraf = await startTelegraf({
    configFiles: [join(root, 'telegraf/telegraf.conf'), ...files],
    env: {
      GAPLINE_INFLUXDB_URL: influxdb.proxy.url,
      GAPLINE_INFLUXDB_TOKEN: token,
      GAPLINE_INFLUXDB_ORG: org,
      GAPLINE_INFLUXDB_BUCKET: bucket,
    },
  });
  undo.add(() => telegraf.stop());
  return telegraf;
}
