// Consuming from Kafka and committing with transactions, by the two clients in turn in one process.
// node bench/clients.ts [--records 100000] [--rounds 3] [--docs]
// --docs writes the section of docs/benchmarks.md. Starts a Kafka of its own.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { type ClientName, clientNames } from '../core/log/kafka/address.ts';
import { createKafkaLog } from '../core/log/kafka.ts';
import type { EventLog, LogRecord } from '../core/log/port.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    docs: { type: 'boolean', default: false },
  },
});
const records = Number(options.records);
const partitions = 12;
const recordBytes = 700;
const maxBatch = 1_000;
const devices = 200;
const logger = pino({ level: 'error' });
const retentionMs = 86_400_000;

interface Run {
  readonly client: ClientName;
  readonly recordsASecond: number;
  /** CPU-seconds of this process for a million records. */
  readonly cpuS: number;
}

const kafka = await startKafka();
try {
  await fill();
  const runs: Run[] = [];
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const client of round % 2 === 0 ? clientNames : clientNames.toReversed()) {
      runs.push(await copied(client, round));
      console.log(JSON.stringify(runs.at(-1)));
    }
  }
  const markdown = describe(runs);
  console.log(markdown);
  if (options.docs) writeSection('clients', markdown);
} finally {
  await kafka.stop();
}

function logBy(client: ClientName): EventLog {
  return createKafkaLog({ url: kafka.url.replace('kafka:', `${client}:`), logger });
}

async function fill(): Promise<void> {
  const log = logBy('kafkajs');
  await log.start();
  await log.ensureTopics([{ name: 'in', partitions, retentionMs }]);
  const value = Buffer.alloc(recordBytes, 'x');
  for (let from = 0; from < records; from += maxBatch) {
    const count = Math.min(maxBatch, records - from);
    const batch = Array.from(
      { length: count },
      (_, at): LogRecord => ({ key: `device-${(from + at) % devices}`, value }),
    );
    await log.append('in', batch, { deadlineMs: 60_000 });
  }
  await log.stop();
}

/** A new group copies the whole topic: from joining it to the last commit. */
async function copied(client: ClientName, round: number): Promise<Run> {
  const log = logBy(client);
  const topic = `out-${round}-${client}`;
  await log.start();
  await log.ensureTopics([{ name: topic, partitions, retentionMs }]);
  const done = Promise.withResolvers<void>();
  let left = records;
  let beganMs = performance.now();
  let began = process.cpuUsage();
  const running = await log.pipe(
    { from: ['in'], group: topic, maxBatch },
    {
      transform(batch) {
        // Joining a group takes seconds that have nothing to do with the records.
        if (left === records) [beganMs, began] = [performance.now(), process.cpuUsage()];
        return {
          outputs: batch.records.map(({ key, value }) => ({ topic, key, value })),
          committed() {
            left -= batch.records.length;
            if (left <= 0) done.resolve();
          },
        };
      },
      deadLetter(_, error) {
        throw error;
      },
    },
  );
  await Promise.race([done.promise, running.failed]);
  const seconds = (performance.now() - beganMs) / 1_000;
  const { user, system } = process.cpuUsage(began);
  await log.stop();
  return { client, recordsASecond: records / seconds, cpuS: (user + system) / records };
}

function describe(runs: readonly Run[]): string {
  const of = (client: ClientName, pick: (run: Run) => number) => runs.filter((run) => run.client === client).map(pick);
  const rows = clientNames.map((client) => [
    client,
    Math.round(median(of(client, ({ recordsASecond }) => recordsASecond))).toLocaleString('en'),
    median(of(client, ({ cpuS }) => cpuS)).toFixed(1),
  ]);
  const [first, second] = clientNames.map((client) => of(client, ({ recordsASecond }) => recordsASecond));
  const ratios = first?.map((value, round) => ((second?.[round] ?? 0) / value).toFixed(1)) ?? [];
  return `## Kafka's clients

\`npm run bench -- clients\` · ${machine()} Load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.

A new group copies ${records.toLocaleString('en')} records of ${recordBytes} bytes from ${partitions} partitions, in transactions of at most
${maxBatch.toLocaleString('en')} records that commit outputs and offsets together. One broker on the same machine, both clients in one process,
in turn. By round, ${clientNames[1]} took ${ratios.join(', ')} times as many records a second as ${clientNames[0]}.

${table(['', 'records a second', 'CPU-seconds a million'], rows)}`;
}
