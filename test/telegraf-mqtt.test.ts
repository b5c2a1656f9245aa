import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCollector } from '../collector/collector.ts';
import { createSqliteLog } from '../core/log/sqlite.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { mosquittoIsHere, startMosquitto } from './servers/mosquitto.ts';
import type { ServerHandle } from './servers/process.ts';
import { startTelegraf } from './servers/telegraf.ts';

// Needs GAPLINE_TEST_TELEGRAF, and Debian's mosquitto and mosquitto-clients.

const broker = mosquittoIsHere();
const here = broker && (process.env.GAPLINE_TEST_TELEGRAF !== undefined || process.env.GAPLINE_REQUIRE_SERVERS === '1');
const why = here
  ? ''
  : ` (not run: no ${broker ? 'Telegraf, GAPLINE_TEST_TELEGRAF is not set' : 'mosquitto on the PATH'})`;

describe.skipIf(!here)(`MQTT through Telegraf to the collector${why}`, () => {
  const undo: (() => Promise<void>)[] = [];
  let mqttPort: number;
  let telegraf: ServerHandle;
  let read: () => Promise<{ device: string; values: Record<string, number> }[]>;

  beforeAll(async () => {
    const logger = pino({ level: 'silent' });
    const folder = await mkdtemp(join(tmpdir(), 'gapline-mqtt-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const mosquitto = await startMosquitto();
    mqttPort = mosquitto.port;
    undo.push(() => mosquitto.stop());

    const stream = { name: 'rooms', fields: ['temperature', 'two words'], topics: topicsOf('rooms') };
    const log = createSqliteLog({ file: join(folder, 'log.db'), logger });
    await log.start();
    undo.push(() => log.stop());
    const topics = Object.values(stream.topics);
    await log.ensureTopics(topics.map((name) => ({ name, partitions: 1, retentionMs: 3_600_000 })));
    const collector = createCollector({ stream, log, logger, registry: new Registry(), host: '127.0.0.1', port: 0 });
    await collector.start();
    undo.push(() => collector.stop());
    read = async () => {
      const found = [];
      for await (const records of log.tail([stream.topics.readings], { since: 0, follow: false })) {
        found.push(...records.map(({ value }) => JSON.parse(Buffer.from(value).toString())));
      }
      return found.map(({ device, values }) => ({ device, values }));
    };
    telegraf = await startTelegraf({
      configFiles: [resolve(import.meta.dirname, '../telegraf/mqtt.conf')],
      env: { GAPLINE_MQTT_URL: mosquitto.url, GAPLINE_COLLECTOR_URL: collector.url },
    });
    undo.push(() => telegraf.stop());
  }, 60_000);

  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  }, 60_000);

  const publish = (device: string, payload: unknown) =>
    promisify(execFile)('mosquitto_pub', [
      ...[
        '-h',
        '127.0.0.1',
        '-p',
        String(mqttPort),
        '-q',
        '1',
        '-t',
        `gapline/${device}`,
        '-m',
        JSON.stringify(payload),
      ],
    ]);
  const eventually = async (expected: unknown[]) =>
    vi.waitFor(async () => expect(await read()).toEqual(expect.arrayContaining(expected)), {
      timeout: 60_000,
      interval: 300,
    });

  it('makes readings of JSON, gaps and all', async () => {
    // Until Telegraf has subscribed, the broker has nobody to keep a message for.
    await vi.waitFor(
      async () => {
        await publish('first', { temperature: 1 });
        expect(await read()).not.toEqual([]);
      },
      { timeout: 60_000, interval: 500 },
    );
    await publish('kitchen', { temperature: 21.5, 'two words': null, note: 'text', other: 5 });
    await publish('hall way', { temperature: null, 'two words': -3 });
    await eventually([
      { device: 'kitchen', values: { temperature: 21.5 } },
      { device: 'hall way', values: { 'two words': -3 } },
    ]);
  }, 90_000);

  it('loses nothing that came while it was unavailable', async () => {
    await telegraf.kill();
    for (let step = 0; step < 20; step += 1) await publish('attic', { temperature: step });
    await telegraf.restart();
    await eventually(Array.from({ length: 20 }, (_, step) => ({ device: 'attic', values: { temperature: step } })));
  }, 90_000);
});
