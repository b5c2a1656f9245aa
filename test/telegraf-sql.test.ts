import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeTopics } from '../core/log/kafka/testing.ts';
import type { Prediction } from '../core/wire/prediction.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { renderTelegrafConfig } from '../telegraf/stream-input.ts';
import { startKafka } from './servers/kafka.ts';
import { type Mariadb, mariadbIsHere, startMariadb } from './servers/mariadb.ts';
import type { ServerHandle } from './servers/process.ts';
import { startTelegraf } from './servers/telegraf.ts';

// Needs GAPLINE_TEST_TELEGRAF, and Debian's mariadb-server. MariaDB and Telegraf are its own: it kills them.

const isHere = mariadbIsHere();
const here = isHere && (process.env.GAPLINE_TEST_TELEGRAF !== undefined || process.env.GAPLINE_REQUIRE_SERVERS === '1');
const why = here
  ? ''
  : ` (not run: no ${isHere ? 'Telegraf, GAPLINE_TEST_TELEGRAF is not set' : 'mariadbd on the PATH'})`;
const telegrafFolder = resolve(import.meta.dirname, '../telegraf');
const stream = { name: 'spam', fields: ['a'], topics: topicsOf('spam') };
const startNs = 1_700_000_000_000_000_001n;

const prediction = (over: Partial<Prediction> = {}): Prediction => ({
  ...{ stream: 'spam', device: 'd', time: `${startNs}`, label: 'ham', probability: 0.75 },
  ...{ probabilities: { spam: 0.25, ham: 0.75 }, filled: { a: 1.5 }, gaps: 1 },
  ...{ model: { name: 'spam', version: 3 }, received: '1700000000000000000', latencyMs: 1.25 },
  ...over,
});

describe.skipIf(!here)(`predictions in MariaDB${why}`, () => {
  const undo: (() => Promise<void>)[] = [];
  let mariadb: Mariadb;
  let telegraf: ServerHandle;
  let producer: Producer;
  let sent = 0;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gapline-sql-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const kafka = await startKafka();
    undo.push(() => kafka.stop());
    const client = new Kafka({ brokers: [kafka.broker], logLevel: logLevel.NOTHING });
    const topics = Object.values(stream.topics).map((topic) => ({ topic, numPartitions: 3 }));
    await makeTopics(topics, kafka.url);
    producer = client.producer();
    await producer.connect();
    undo.push(() => producer.disconnect());
    mariadb = await startMariadb(join(telegrafFolder, 'predictions.sql'));
    undo.push(() => mariadb.stop());
    const config = join(folder, 'spam.conf');
    await writeFile(config, renderTelegrafConfig({ stream, kafka: { brokers: [kafka.broker] } }));
    telegraf = await startTelegraf({
      configFiles: [join(telegrafFolder, 'sql.conf'), config],
      env: { GAPLINE_SQL_DSN: mariadb.dsn, GAPLINE_TELEGRAF_GROUP_SUFFIX: '.sql' },
    });
    undo.push(() => telegraf.stop());
  }, 180_000);

  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  }, 60_000);

  const send = (...predictions: readonly Prediction[]) =>
    producer.send({
      topic: stream.topics.predictions,
      messages: predictions.map((one) => ({ key: one.device, value: JSON.stringify(one) })),
    });

  /** As many new ones, of seven devices. */
  async function predict(count: number): Promise<void> {
    const made = Array.from({ length: count }, (_, at) =>
      prediction({ device: `device ${(sent + at) % 7}`, time: `${startNs + BigInt(sent + at)}` }),
    );
    await send(...made);
    sent += count;
  }

  const rowsOf = async (where: string) =>
    Number((await mariadb.query(`SELECT count(*) FROM predictions WHERE ${where}`).catch(() => []))[0] ?? -1);
  const arrived = (where: string, count: number) =>
    vi.waitFor(async () => expect(await rowsOf(where)).toBe(count), { timeout: 60_000, interval: 500 });

  it('are rows with all that a prediction says, times to the nanosecond and names as they are', async () => {
    const facts = { admission: '1' };
    const said = { label: 'it\'s 100 %; \\ "né" 🙂', truth: 'ham', facts };
    const hostile = ['d', 'D', 'd ', 'é', 'e', 'a\u0000b\n\t', 'x'.repeat(500), "'; DROP TABLE prediction_log; --"];
    await send(...hostile.map((device) => prediction({ device, ...said })), prediction({ device: 'y'.repeat(501) }));
    await arrived('time_ns > 0', hostile.length);
    const [row] = await mariadb.query(
      "SELECT JSON_OBJECT('stream', stream, 'ns', time_ns, 'time', time, 'label', label, 'facts', facts, 'version', version, 'truth', truth) FROM predictions WHERE device = 'd'",
    );
    // The client writes backslashes twice.
    expect(JSON.parse(row?.replaceAll('\\\\', '\\') ?? '')).toEqual({
      ...{ stream: 'spam', ns: Number(startNs), time: '2023-11-14 22:13:20.000000', version: 3, truth: 'ham' },
      ...{ label: said.label, facts: JSON.stringify(facts) },
    });
    expect(await mariadb.query("SELECT time_ns FROM predictions WHERE device = 'd '")).toEqual([`${startNs}`]);
    await mariadb.query('DELETE FROM prediction_log');
  }, 90_000);

  it('are one row for each identity, the last, although Telegraf and MariaDB are killed', async () => {
    await predict(2_000);
    await arrived("device LIKE 'device%'", sent);
    await telegraf.kill();
    await predict(1_000);
    await telegraf.restart();
    await predict(1_000);
    await mariadb.kill();
    await predict(1_000);
    await mariadb.restart();
    await telegraf.kill();
    await telegraf.restart();
    await arrived("device LIKE 'device%'", sent);
    // Labelled anew, as after a rewind.
    await send(prediction({ device: 'device 0', label: 'later' }));
    await arrived("label = 'later'", 1);
    await arrived("device LIKE 'device%'", sent);
    const [distinct] = await mariadb.query(
      "SELECT count(DISTINCT device, time_ns) FROM prediction_log WHERE device LIKE 'device%'",
    );
    expect(Number(distinct)).toBe(sent);
    const [all] = await mariadb.query('SELECT count(*) FROM prediction_log');
    expect(Number(all)).toBeGreaterThan(sent);
  }, 180_000);
});
