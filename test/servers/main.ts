import { parts } from '../whole-run/parts.ts';
import { startInfluxdb } from './influxdb.ts';
import { startKafka } from './kafka.ts';
import { obtain } from './obtain.ts';
import { telegrafProgram, telegrafSupply } from './telegraf.ts';

// `npm run servers`: the real Kafka, InfluxDB and Telegraf on loopback, until Ctrl-C. With `-- --get` nothing is started, and everything is
// got that the tests use: Python environments, the ONNX runtime and actionlint too.
const report = (line: string): void => console.error(line);
const giveUp = (error: Error): never => {
  console.error(error.message);
  process.exit(1);
};
if (process.argv.includes('--get')) {
  const supplies = parts.flatMap((part) => part.supplies);
  await Promise.all(supplies.map((supply) => obtain(supply, report))).catch(giveUp);
  process.exit();
}
const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve());
});

const starting = [startKafka({ report }), startInfluxdb({ report })] as const;
const stop = async (): Promise<void> => {
  const started = (await Promise.allSettled(starting)).filter((outcome) => outcome.status === 'fulfilled');
  await Promise.all(started.map((outcome) => outcome.value.stop()));
};
const [kafka, influxdb] = await Promise.all([...starting, obtain(telegrafSupply, report)]).catch(
  async (error: Error) => {
    await stop();
    return giveUp(error);
  },
);
console.log(`
Kafka     ${kafka.url}
InfluxDB  ${influxdb.url}   user admin, password gapline-password
Telegraf  ${telegrafProgram()}

For the tests and for your own shell:
export GAPLINE_TEST_KAFKA=${kafka.url}
export GAPLINE_TEST_INFLUXDB=${influxdb.url}
export GAPLINE_TEST_INFLUXDB_ORG=${influxdb.org}
export GAPLINE_TEST_INFLUXDB_BUCKET=${influxdb.bucket}
export GAPLINE_TEST_INFLUXDB_TOKEN=${influxdb.token}
export GAPLINE_TEST_TELEGRAF=${telegrafProgram()}

Ctrl-C stops them; what they hold is gone then.`);

await ended;
console.log('Stopping…');
await stop();
