import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Influxdb, startInfluxdb } from '../servers/influxdb.ts';
import { startKafka } from '../servers/kafka.ts';
import { freePort, type ServerHandle } from '../servers/process.ts';
import { startTelegraf } from '../servers/telegraf.ts';
import { HttpProxy } from './proxies/http-proxy.ts';
import { KafkaProxy } from './proxies/kafka-proxy.ts';
import type { Undo } from './undo.ts';

/** A server, and the proxy that its clients come through. */
export interface Behind<S extends ServerHandle, D> {
  readonly server: S;
  readonly proxy: D;
}

/** A broker that speaks with itself beside the proxy. */
export async function startBroker(dataFolder: string, undo: Undo): Promise<Behind<ServerHandle, KafkaProxy>> {
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
