/** A process of its own on a log, for the tests that kill or stop one. It is told what to do by its argument and says how it goes to its parent. */
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import type { EventLog } from '../port.ts';
import type { PackingOptions } from '../sqlite/packing.ts';

export type LogAddress =
  | { readonly engine: 'sqlite'; readonly file: string; readonly packing?: PackingOptions }
  | { readonly engine: 'kafka'; readonly url: string; readonly prefix: string; readonly sessionTimeoutMs: number };

export type Task =
  /** Appends 0, 1, 2 … and says each number once it is durable. */
  | { readonly kind: 'append'; readonly topic: string; readonly batch: number }
  /** Copies records; says `assigned N`, `batch FIRST` (and `hanging`) before and `committed COUNT` after each batch, and takes `hangMs` (for ever by default) over the batch that holds `hangAt`. */
  | {
      readonly kind: 'copy';
      readonly from: string;
      readonly to: string;
      readonly group: string;
      readonly maxBatch: number;
      readonly hangAt?: string;
      readonly hangMs?: number;
    };

async function open(address: LogAddress): Promise<EventLog> {
  const logger = pino({ level: 'silent' });
  if (address.engine === 'sqlite') {
    const { createSqliteLog } = await import('../sqlite.ts');
    const { file, packing } = address;
    return createSqliteLog({ file, logger, ...(packing && { packing }) });
  }
  const { createKafkaLog } = await import('../kafka.ts');
  return createKafkaLog({ ...address, logger });
}

const say = (what: string) => process.send?.(what);

async function work(log: EventLog, task: Task): Promise<void> {
  if (task.kind === 'append') {
    for (let next = 0; ; next += task.batch) {
      const records = Array.from({ length: task.batch }, (_, i) => ({
        key: `device-${(next + i) % 5}`,
        value: Buffer.from(String(next + i)),
      }));
      await log.append(task.topic, records, { deadlineMs: 60_000 });
      for (const { value } of records) say(value.toString());
    }
  }
  const { from, to, group, maxBatch, hangAt, hangMs = 2 ** 31 - 1 } = task;
  const running = await log.pipe(
    { from: [from], group, maxBatch },
    {
      assigned: async (partition) => void say(`assigned ${partition}`),
      async transform({ records }) {
        say(`batch ${Buffer.from(records[0]!.value)}`);
        const hangs = records.some(({ value }) => Buffer.from(value).toString() === hangAt);
        if (hangs) {
          say('hanging');
          await sleep(hangMs);
        }
        const outputs = records.map(({ key, value }) => ({ topic: to, key, value }));
        return { outputs, committed: () => void say(`committed ${records.length}`) };
      },
      deadLetter: ({ key, value }) => ({ topic: to, key, value }),
    },
  );
  await running.failed;
}

const { address, task } = JSON.parse(process.argv[2]!) as { address: LogAddress; task: Task };
process.on('disconnect', () => process.exit(0));
const log = await open(address);
await log.start();
await work(log, task);
