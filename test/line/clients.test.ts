import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { InfluxDB, Point } from '@influxdata/influxdb-client';
import { expect, onTestFinished, test } from 'vitest';
import { readDataset } from '../../core/dataset/read.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { cacheFolder, obtain } from '../servers/obtain.ts';
import { pythonClientsSupply } from '../servers/python-packages.ts';
import { startTelegraf } from '../servers/telegraf.ts';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';
import { predictionsOf } from './identities.ts';

// Clients of InfluxDB as their makers ship them: only the address is another one, and the labels arrive.

const { GAPLINE_TEST_TELEGRAF: telegraf, GAPLINE_REQUIRE_SERVERS } = process.env;
const required = GAPLINE_REQUIRE_SERVERS === '1';
const patient = { timeout: 180_000 };

interface Sample {
  readonly device: string;
  /** Nanoseconds since the epoch. */
  readonly time: string;
  /** Null is a gap: each client leaves the field out, as it knows how. */
  readonly values: Readonly<Record<string, number | null>>;
}

const sampleCount = 12;
const deviceCount = 3;

/** Rows of the data set as the readings of a client's devices, each with other values missing. */
async function samplesOf(client: string): Promise<Sample[]> {
  const { fields, width, count, values } = await readDataset({
    file: join(root, 'examples/spambase/data/test.csv'),
    truth: 'label',
  });
  const startMs = Date.now() - 60_000;
  return Array.from({ length: sampleCount }, (_, index) => {
    // From all over the file, so that both labels come.
    const start = Math.floor((index * count) / sampleCount) * width;
    const cells = fields.map((name, at) => [name, (at + index) % 6 === 0 ? null : values[start + at]!] as const);
    return {
      device: `${client} ${index % deviceCount}`,
      time: `${BigInt(startMs + index) * 1_000_000n + 789n}`,
      values: Object.fromEntries(cells),
    };
  });
}

/**
 * Lets a client write to the collector of an embedded line, and POSTs the same readings under other devices. The line ends by itself
 * with the last label; what it said of both must be the same.
 */
async function expectSameLabels(client: string, write: (url: string, samples: readonly Sample[]) => Promise<void>) {
  const samples = await samplesOf(client);
  const data = temporaryFolder();
  const ports = ['--collector-port', '0', '--page-port', '0', '--log-level', 'error'];
  const line = gapline([
    ...['up', '--config', spambase, '--data', data, '--no-generator', '--labels', String(2 * sampleCount)],
    ...ports,
  ]);
  const url = await line.printed(/POST (\S+)\/readings/);
  const posted = samples.map((sample) => ({ ...sample, device: sample.device.replace(client, 'posted') }));
  const answer = await fetch(`${url}/readings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(posted),
  });
  expect(answer.status).toBe(202);
  await write(url!, samples);
  const ended = await line.ended;
  expect(ended.stderr).toBe('');
  expect(ended.code).toBe(0);

  const found = await predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
  expect(said(found, client)).toEqual(said(found, 'posted'));
  for (const { time, values } of samples) {
    const missing = Object.keys(values).filter((name) => values[name] === null);
    const [prediction, ...more] = found.filter((one) => one.time === time && one.device.startsWith(client));
    expect(more).toEqual([]);
    expect(Object.keys(prediction!.filled).sort()).toEqual(missing.sort());
  }
  expect(new Set(found.map(({ label }) => label)).size).toBe(2);
}

/** What was said of a client's readings, in the order of their times, without what tells the runs apart. */
function said(predictions: readonly Prediction[], client: string) {
  return predictions
    .filter(({ device }) => device.startsWith(`${client} `))
    .sort((a, b) => Number(BigInt(a.time) - BigInt(b.time)))
    .map(({ device, received, latencyMs, ...rest }) => ({ ...rest, device: device.slice(client.length) }));
}

const shown = (value: number | null): value is number => value !== null;

test("InfluxDB's client for JavaScript writes to the collector and gets labels", patient, async () => {
  await expectSameLabels('javascript', async (url, samples) => {
    const api = new InfluxDB({ url, token: 'any token' }).getWriteApi('any org', 'any bucket', 'ns');
    for (const { device, time, values } of samples) {
      const point = new Point('any measurement').tag('device', device).tag('host', 'somewhere').timestamp(time);
      for (const [name, value] of Object.entries(values)) if (shown(value)) point.floatField(name, value);
      api.writePoint(point);
    }
    await api.close();
  });
});

test("InfluxDB's client for Python writes to the collector and gets labels", { timeout: 600_000 }, async (context) => {
  const tell = (line: string) => console.error(`servers: ${line}`);
  const folder = await obtain(pythonClientsSupply, tell).catch((error: Error) => {
    if (required) throw error;
    return context.skip(`not run: ${pythonClientsSupply.title} is not in ${cacheFolder()} and PyPI does not give it`);
  });
  await expectSameLabels('python', async (url, samples) => {
    const child = spawn('python3', [join(import.meta.dirname, 'clients/write.py'), url], {
      env: { ...process.env, PYTHONPATH: folder },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdin.end(JSON.stringify(samples));
    const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(complaint).toBe('');
    expect(code).toBe(0);
  });
});

const withoutTelegraf = telegraf || required ? '' : ' (not run: no Telegraf here; `npm run servers` gets it)';

test.skipIf(withoutTelegraf)(
  `a Telegraf agent writes to the collector and gets labels${withoutTelegraf}`,
  patient,
  async () => {
    await expectSameLabels('telegraf', async (url, samples) => {
      const folder = temporaryFolder();
      const [readings, configuration] = [join(folder, 'readings.influx'), join(folder, 'telegraf.conf')];
      await writeFile(readings, samples.map(lineOf).join(''));
      await writeFile(configuration, agentConfiguration(url, readings));
      const agent = await startTelegraf({ configFiles: [configuration] });
      onTestFinished(() => agent.stop());
    });
  },
);

/** A reading as a device would log it for Telegraf to pick up. */
function lineOf({ device, time, values }: Sample): string {
  const fields = Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  return `machine,device=${device.replaceAll(' ', '\\ ')} ${fields.join()} ${time}\n`;
}

const agentConfiguration = (url: string, readings: string): string => `
[agent]
  flush_interval = "200ms"

[[inputs.tail]]
  files = [${JSON.stringify(readings)}]
  initial_read_offset = "beginning"
  watch_method = "poll"
  data_format = "influx"

[[outputs.influxdb_v2]]
  urls = [${JSON.stringify(url)}]
  token = "any token"
  organization = "any org"
  bucket = "any bucket"
`;
