import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SecureListeners, security } from './kafka-security.ts';
import { download, obtain, type Report, run, type Supply } from './obtain.ts';
import { dataFolder, freePort, type ServerHandle, startServer } from './process.ts';

const version = '4.1.0';
const scala = '2.13';

/** Apache Kafka, as its makers pack it or from the same jars at Maven Central. Both need a Java runtime. */
export const kafkaSupply: Supply = {
  title: `Kafka ${version}`,
  folder: `kafka-${version}`,
  ways: [
    download(
      `https://archive.apache.org/dist/kafka/${version}/kafka_${scala}-${version}.tgz`,
      'bin/kafka-server-start.sh',
    ),
    { title: 'by Maven', make: fromMaven },
  ],
};

async function fromMaven(folder: string, logFile: string): Promise<void> {
  const dependency = (artifact: string, group = 'org.apache.kafka', at = version) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${at}</version></dependency>`;
  const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
    <groupId>gapline</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
    ${dependency(`kafka_${scala}`)}${dependency('kafka-tools')}${dependency('log4j-slf4j-impl', 'org.apache.logging.log4j', '2.24.3')}
    </dependencies></project>`;
  await writeFile(join(folder, 'pom.xml'), pom);
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'libs')}`];
  await run('mvn', ['-B', '-q', ...goal], { cwd: folder, logFile });
}

export interface KafkaOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** Kept after `stop()`, and taken up again if it holds a broker's data. Default: a temporary one. */
  readonly dataFolder?: string;
  /** More lines of server.properties; they win over ours. */
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Also opens secured listeners: TLS, and SASL with and without it. Only with a temporary data folder. */
  readonly secure?: boolean;
  /** How much memory it may take for itself. Default 512. */
  readonly heapMegabytes?: number;
  readonly report?: Report;
}

export interface Kafka extends ServerHandle {
  readonly port: number;
  /** `127.0.0.1:PORT`, as kafkajs and Telegraf want it. */
  readonly broker: string;
  /** With `secure: true`. */
  readonly secure?: SecureListeners;
}

/**
 * A Kafka of one node (KRaft), broker and controller in one. Topics are never made by asking for them, as in our compose file. Made quick
 * for tests: no rebalance delay, few partitions for its own topics, session time-outs from 1 s on.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const folder = await obtain(kafkaSupply, options.report ?? (() => {}));
  const data = await dataFolder('kafka', options.dataFolder);
  const port = options.port ?? (await freePort());
  const controllerPort = await freePort();
  const broker = `127.0.0.1:${port}`;
  const configFile = join(data.path, 'server.properties');
  const guards = options.secure ? await security(data.path) : undefined;
  const logging = `-Dlog4j2.configurationFile=${join(data.path, 'log4j2.properties')}`;
  const java = (main: string, ...args: string[]) => [logging, '-cp', join(folder, 'libs', '*'), main, ...args];

  async function prepare(): Promise<void> {
    const own = settings(port, controllerPort, data.path, guards?.listeners);
    await writeFile(configFile, properties({ ...own, ...guards?.properties, ...options.properties }));
    await writeFile(join(data.path, 'log4j2.properties'), log4j);
    if (existsSync(join(data.path, 'topics', 'meta.properties'))) return;
    await mkdir(join(data.path, 'topics'), { recursive: true });
    const format = ['format', '-t', '5L6g3nShT-eMCtK--X86sw', '-c', configFile, ...(guards?.formatArgs ?? [])];
    const quickly = '-XX:TieredStopAtLevel=1';
    const logFile = join(data.path, 'format.log');
    await run('java', [quickly, ...java('kafka.tools.StorageTool', ...format)], { logFile });
  }

  const server = await startServer({
    name: 'kafka',
    url: `kafka://${broker}`,
    command: 'java',
    args: [
      `-Xmx${options.heapMegabytes ?? 512}M`,
      '-Xms128M',
      '-XX:+UseSerialGC',
      '-XX:-UsePerfData',
      ...java('kafka.Kafka', configFile),
    ],
    data,
    prepare,
    ready: (output) => output().includes('Kafka Server started'),
  });
  return Object.assign(server, { port, broker, secure: guards?.secured });
}

const settings = (port: number, controllerPort: number, folder: string, guarded: readonly string[] = []) => ({
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
  listeners: [`PLAINTEXT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${controllerPort}`, ...guarded].join(),
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map':
    'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL',
  'log.dirs': join(folder, 'topics'),
  'auto.create.topics.enable': false,
  // A broker killed and started again must wait until its old registration expires.
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1000,
  'offsets.topic.num.partitions': 4,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1000,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
});

const properties = (entries: Readonly<Record<string, string | number | boolean>>): string =>
  Object.entries(entries)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

const log4j = `rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c{1})%n
`;
