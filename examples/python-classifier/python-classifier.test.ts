import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readDataset } from '../../core/dataset/read.ts';
import { kafkaUnderTest, testKafka, withoutKafka } from '../../core/log/kafka/testing.ts';
import type { EventLog } from '../../core/log/port.ts';
import { deadLetterSchema } from '../../core/wire/dead-letter.ts';
import { type Prediction, predictionSchema } from '../../core/wire/prediction.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { obtain, obtained } from '../../test/servers/obtain.ts';
import { pythonClassifierSupply } from '../../test/servers/python-packages.ts';

// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.

const here = import.meta.dirname;
const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
const notRun =
  withoutKafka ??
  (required || obtained(pythonClassifierSupply) ? undefined : 'NOT RUN, GAPLINE_REQUIRE_SERVERS=1 gets its packages');

const patient = { timeout: 120_000, interval: 100 };
const children: ChildProcess[] = [];
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  for (const stop of stops.splice(0)) await stop();
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function startPython(folder: string, stream: string): ChildProcess {
  const topics = topicsOf(stream);
  const args = [testKafka!.replace('kafka://', ''), stream, topics.readings, topics.predictions];
  const env = { ...process.env, PYTHONPATH: folder, OMP_NUM_THREADS: '1' };
  const child = spawn('python3', [join(here, 'classify.py'), ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  return child;
}

async function textsOf(log: EventLog, topic: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const records of log.tail([topic], { since: 0, follow: false }))
    texts.push(...records.map(({ value }) => Buffer.from(value).toString()));
  return texts;
}

describe(notRun ? `a classifier in Python: ${notRun}` : 'a classifier in Python', () => {
  it.skipIf(notRun)(
    'takes the place of ours: it reads and writes by the schemas, labels well, and once each through a kill',
    async () => {
      const folder = await obtain(pythonClassifierSupply, (line) => console.error(line));
      const stream = `py${randomUUID().slice(0, 8)}`;
      const topics = topicsOf(stream);
      const site = await kafkaUnderTest({ prefix: stream });
      const log = site.create();
      await log.start();
      stops.push(
        () => site.remove(stream),
        () => log.stop(),
      );
      await log.ensureTopics(Object.values(topics).map((name) => ({ name, partitions: 3, retentionMs: 3_600_000 })));
      const dataset = await readDataset({ file: join(here, '../spambase/data/test.csv'), truth: 'label' });

      /** Sends the rows of a range, every tenth value missing. */
      async function send(from: number, to: number): Promise<void> {
        const records = Array.from({ length: to - from }, (_, at) => {
          const row = from + at;
          const cells = dataset.fields.map((name, column) => {
            const gap = (row + column) % 10 === 0;
            return [name, gap ? null : dataset.values[row * dataset.width + column]!] as const;
          });
          const device = `device-${row % 7}`;
          const known = {
            stream,
            device,
            time: String(row),
            values: Object.fromEntries(cells),
            truth: dataset.classes[dataset.labels[row]!],
          };
          return { key: device, value: Buffer.from(JSON.stringify({ ...known, received: `${Date.now()}000000` })) };
        });
        await log.append(topics.readings, records, { deadlineMs: 30_000 });
      }

      const predictions = async (): Promise<Prediction[]> =>
        (await textsOf(log, topics.predictions)).map((text) => predictionSchema.parse(JSON.parse(text)));
      const counted = (count: number) =>
        vi.waitFor(async () => expect(await textsOf(log, topics.predictions)).toHaveLength(count), patient);

      await send(0, 300);
      const broken = [Buffer.from('{"stream":'), Buffer.from('{"stream":"x"}'), Buffer.from([0xff])];
      await log.append(
        topics.readings,
        broken.map((value) => ({ key: 'device-1', value })),
        { deadlineMs: 30_000 },
      );
      const first = startPython(folder, stream);
      await counted(300);
      const sent = send(300, dataset.count);
      await vi.waitFor(
        async () => expect((await textsOf(log, topics.predictions)).length).toBeGreaterThan(300),
        patient,
      );
      await kill(first);
      await sent;
      startPython(folder, stream);
      await counted(dataset.count);

      const made = await predictions();
      expect(new Set(made.map(({ time }) => time)).size).toBe(dataset.count);
      const right = made.filter(({ label, truth }) => label === truth).length;
      expect(right / made.length).toBeGreaterThan(0.9);
      expect(made[0]!.model).toEqual({ name: 'python', version: 1 });
      const letters = (await textsOf(log, topics.deadLetters)).map((text) => deadLetterSchema.parse(JSON.parse(text)));
      expect(letters.every(({ encoding }) => encoding === 'base64')).toBe(true);
      const buried = letters.map(({ value }) => value).sort();
      expect(buried).toEqual(broken.map((value) => value.toString('base64')).sort());
    },
    600_000,
  );
});
