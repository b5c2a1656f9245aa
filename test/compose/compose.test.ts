import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createKafkaLog } from '../../core/log/kafka.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { flowTests } from './flow.ts';
import { mlopsTests } from './mlops.ts';
import { bucket, createStack, dockerAnswers, type Stack } from './stack.ts';

// The two steps of the README, really brought up: some minutes and a Docker engine. So it runs only where it is asked for.

const { GAPLINE_REQUIRE_COMPOSE, GAPLINE_TEST_COMPOSE, GAPLINE_TEST_FLOW } = process.env;
const demanded = GAPLINE_REQUIRE_COMPOSE === '1' || GAPLINE_TEST_COMPOSE === '1';
const why = demanded ? '' : ' (not run: takes minutes and Docker; `npm test` runs it where Docker answers)';
const minutes = 60_000;
const soon = { timeout: 3 * minutes, interval: 1_000 };

describe.runIf(demanded)(`the real stack by Docker Compose${why}`, { timeout: 10 * minutes }, () => {
  let stack: Stack;

  beforeAll(async () => {
    if (!(await dockerAnswers())) throw new Error('no Docker engine with Compose answers; test/images/engine.sh');
    stack = await createStack('--set generator.rate=100 --ledger /data/ledger');
    await stack.remove();
    stack = await createStack('--set generator.rate=100 --ledger /data/ledger');
  }, 5 * minutes);
  afterAll(() => stack.remove(), 5 * minutes);

  /** The identities of a measurement. */
  async function points(measurement: string): Promise<Set<string>> {
    const found = await stack.query(`from(bucket: "${bucket}") |> range(start: 0)
      |> filter(fn: (r) => r._measurement == "${measurement}" and r._field == "gaps")
      |> keep(columns: ["device", "_time"])`);
    return new Set(found.map((row) => `${row.device} ${row._time}`));
  }

  const labels = async (stream = 'spambase') => (await points(`${stream}.predictions`)).size;

  async function moreLabels(than: number, stream?: string): Promise<void> {
    await vi.waitFor(async () => expect(await labels(stream)).toBeGreaterThan(than), soon);
  }

  const dashboards = async () => {
    const path = '/api/v2/dashboards?org=gapline&limit=100';
    return (await stack.influxdb<{ dashboards: { id: string; name: string; cells: object[] }[] }>(path)).dashboards;
  };

  it('says that the first step is missing, when the second comes first', async () => {
    await expect(stack.line('up', '-d')).rejects.toThrow(/network gapline-test-kafka declared as external/);
  });

  it('labels readings after the two steps', async () => {
    await stack.line('build');
    await stack.kafka('up', '-d', '--wait');
    await stack.line('up', '-d', '--wait');
    await moreLabels(500);
  });

  it('lets nobody in without the token, at the collector and at the live page', async () => {
    const { page, collector } = stack.ports;
    for (const url of [`http://127.0.0.1:${page}/`, `http://127.0.0.1:${collector}/openapi.json`]) {
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization: 'Bearer gapline-access' } })).status).toBe(200);
    }
  });

  it('adds at most 80 MB to the image of Node', async () => {
    const bytes = async (image: string) => Number(await docker('image', 'inspect', '-f', '{{.Size}}', image));
    const ours = (await bytes('gapline')) - (await bytes('node:24-bookworm-slim'));
    expect(ours).toBeGreaterThan(1e6);
    expect(ours).toBeLessThan(80e6);
  });

  it('has no secret in its image, nor in how the image was made', async () => {
    for (const args of [
      ['image', 'inspect', 'gapline'],
      ['history', '--no-trunc', 'gapline'],
    ]) {
      const { stdout } = await promisify(execFile)('docker', args);
      expect(stdout).not.toMatch(/TOKEN|PASSWORD|gapline-access|gapline-token/);
    }
  });

  it('has the dashboard', async () => {
    const found = await dashboards();
    expect(found).toHaveLength(1);
    expect(found[0]!.cells.length).toBeGreaterThan(5);
  });

  it('changes nothing when it is brought up again', async () => {
    const before = { containers: await stack.line('ps', '-q'), dashboards: await dashboards() };
    await stack.kafka('up', '-d', '--wait');
    await stack.line('up', '-d', '--wait');
    expect({ containers: await stack.line('ps', '-q'), dashboards: await dashboards() }).toEqual(before);
  });

  it('runs without root, capabilities and a root file system that can be written', async () => {
    for (const service of ['collector', 'classifier', 'generator', 'dashboard', 'telegraf']) {
      const [id] = await stack.containers(service);
      const [{ Config, HostConfig }] = JSON.parse(await docker('inspect', id!));
      expect([service, HostConfig.ReadonlyRootfs, HostConfig.CapDrop]).toEqual([service, true, ['ALL']]);
      expect(['node', 'telegraf']).toContain(Config.User);
    }
  });

  it('loses nothing while each container is killed and started again', async () => {
    for (const service of ['collector', 'classifier', 'telegraf', 'influxdb', 'dashboard', 'generator']) {
      await stack.line('kill', service);
      await stack.line('start', service);
    }
    await stack.kafka('kill', 'kafka');
    await stack.kafka('start', 'kafka');
    await moreLabels(await labels());
    await stack.line('stop', 'generator');
    await stack.line('cp', 'generator:/data/ledger', join(stack.examples, 'ledger'));
    const lines = (await readFile(join(stack.examples, 'ledger'), 'utf8')).trim().split('\n');
    const accepted = new Set(lines.map((line) => identity(JSON.parse(line))));
    await vi.waitFor(async () => {
      const [predicted, archived] = [await points('spambase.predictions'), await points('spambase')];
      expect(accepted.difference(predicted).size).toBe(0);
      expect(archived.symmetricDifference(predicted).size).toBe(0);
    }, soon);
  });

  it('shares the work among three classifiers', async () => {
    const before = await labels();
    await stack.line('start', 'generator');
    await stack.line('up', '-d', '--wait', '--scale', 'classifier=3');
    expect(await stack.containers('classifier')).toHaveLength(3);
    await moreLabels(before + 500);
  });

  it('takes MQTT and tells of the containers, with their profiles', async () => {
    await stack.line('--profile', 'mqtt', '--profile', 'containers', 'up', '-d', '--wait');
    const publish = ['mosquitto_pub', '-t', 'gapline/by-mqtt', '-q', '1', '-r', '-m', '{"char_freq_!": 0.5}'];
    await stack.line('--profile', 'mqtt', 'exec', '-T', 'mqtt', ...publish);
    await vi.waitFor(async () => {
      const found = await stack.query(`from(bucket: "${bucket}") |> range(start: 0)
        |> filter(fn: (r) => r.device == "by-mqtt" or r._measurement == "docker_container_mem")
        |> keep(columns: ["_measurement", "_time"]) |> distinct(column: "_measurement")`);
      const measurements = found.map((row) => row._value);
      expect(measurements).toEqual(expect.arrayContaining(['spambase.predictions', 'docker_container_mem']));
    }, soon);
    await stack.line(
      '--profile',
      'mqtt',
      '--profile',
      'containers',
      'rm',
      '-sf',
      'mqtt',
      'telegraf-mqtt',
      'telegraf-containers',
    );
  });

  it('has one row in MariaDB for each identity, whatever Telegraf and MariaDB went through', async () => {
    const sql = (...args: string[]) => stack.line('--profile', 'sql', ...args);
    await sql('up', '-d', '--wait');
    const query = async (text: string) => {
      const client = ['mariadb', '-ugapline', '-pgapline-password', 'gapline', '-N', '-B', '-e', text];
      return (await sql('exec', '-T', 'mariadb', ...client)).trim().split('\n');
    };
    const rows = async (table: string) => Number((await query(`SELECT count(*) FROM ${table}`))[0]);
    const more = async (than: number) =>
      vi.waitFor(async () => expect(await rows('predictions')).toBeGreaterThan(than), soon);
    await more(100);
    onTestFinished(async () => void (await stack.line('start', 'generator')));
    for (const service of ['telegraf-sql', 'mariadb', 'telegraf-sql']) {
      await sql('kill', service);
      // Docker may still hold the port of what was killed a moment ago.
      await vi.waitFor(() => sql('start', service), soon);
      await vi.waitFor(() => sql('up', '-d', '--wait'), soon);
      const before = await vi.waitFor(() => rows('predictions'), soon);
      await more(before);
    }
    await stack.line('stop', 'generator');
    await vi.waitFor(async () => {
      const wanted = await points('spambase.predictions');
      const found = await query('SELECT device, time_ns FROM predictions');
      expect(found).toHaveLength(wanted.size);
      expect(wanted.symmetricDifference(new Set(found.map(identityOfRow))).size).toBe(0);
    }, soon);
    expect(await rows('prediction_log')).toBeGreaterThanOrEqual(await rows('predictions'));
    // The reading that came by MQTT has 56 gaps: a model may decline it.
    const sound = "probability > 0 AND probability <= 1 OR label = 'unknown' AND probability = 0";
    const not = await query(
      `SELECT * FROM predictions WHERE (${sound}) IS NOT TRUE OR (time > '2020-01-01') IS NOT TRUE`,
    );
    expect(not).toEqual(['']);
    const labelled = await query("SELECT count(*) > 0 FROM predictions WHERE label <> 'unknown'");
    expect(labelled).toEqual(['1']);
    await sql('rm', '-sf', 'mariadb', 'telegraf-sql');
  });

  /** Trains a version in a container and makes it the champion. */
  async function newChampion(): Promise<number> {
    await stack.line('run', '--rm', 'train');
    const models = openRegistry({ folder: join(stack.examples, 'spambase/models'), name: 'spambase' });
    const version = (await models.versions()).at(-1)!;
    const config = ['--config', 'examples/spambase/stream.yaml'];
    await stack.line('run', '--rm', 'train', 'models', 'promote', String(version), ...config);
    return version;
  }

  /** Waits for labels of a version of the model. */
  async function servedBy(version: number): Promise<void> {
    await vi.waitFor(async () => {
      const found = await stack.query(`from(bucket: "${bucket}") |> range(start: 0)
        |> filter(fn: (r) => r._measurement == "spambase.predictions" and r._field == "version")
        |> keep(columns: ["_value"]) |> distinct()`);
      expect(found.map((row) => Number(row._value))).toContain(version);
    }, soon);
  }

  it('swaps the model while it runs', async () => {
    const startedAt = async () =>
      docker('inspect', '-f', '{{.State.StartedAt}}', ...(await stack.containers('classifier')));
    const before = await startedAt();
    await servedBy(await newChampion());
    expect(await startedAt()).toBe(before);
  });

  it('serves the new model when the classifiers alone are stopped for it and started again', async () => {
    await stack.line('stop', 'classifier');
    const version = await newChampion();
    await stack.line('start', 'classifier');
    await servedBy(version);
  });

  it('follows STREAM everywhere, to a stream that was made in a container', async () => {
    await stack.line('run', '--rm', 'train', 'new', 'other', '--data', 'examples/spambase/data/test.csv');
    await stack.choose('examples/other');
    await stack.line('up', '-d', '--wait');
    await moreLabels(100, 'other');
    await vi.waitFor(async () => expect((await points('other')).size).toBeGreaterThan(100), soon);
    const log = createKafkaLog({ url: stack.log, logger: pino({ level: 'silent' }) });
    await log.start();
    for (const topic of ['other.readings', 'other.predictions', 'other.status']) {
      const first = await log.tail([topic], { since: 0, follow: false })[Symbol.asyncIterator]().next();
      expect([topic, first.done]).toEqual([topic, false]);
    }
    await log.stop();
    expect((await dashboards()).map(({ name }) => name).sort()).toEqual(['Gapline other', 'Gapline spambase']);
  });

  it('labels the windows of a stream whose devices are simulated, and archives their samples', async () => {
    await stack.choose('examples/motor');
    await stack.line('up', '-d', '--wait');
    await moreLabels(100, 'motor');
    await vi.waitFor(async () => expect((await points('motor')).size).toBeGreaterThan(100), soon);
    // One field of a point, of each kind: of a window its samples, of the archive a thousand numbers in one text.
    const [window] = await stack.query(`from(bucket: "${bucket}") |> range(start: 0)
      |> filter(fn: (r) => r._measurement == "motor.predictions" and r._field == "samples")
      |> group() |> max() |> keep(columns: ["_value"])`);
    expect(Number(window?._value)).toBe(1_000);
    const [archived] = await stack.query(`from(bucket: "${bucket}") |> range(start: 0)
      |> filter(fn: (r) => r._measurement == "motor" and r._field == "s.z")
      |> group() |> limit(n: 1) |> keep(columns: ["_value"])`);
    expect(archived).toBeDefined();
    expect((await dashboards()).map(({ name }) => name)).toContain('Gapline motor');
  });

  describe('with MLflow, object storage and the gateway', () => mlopsTests(() => stack));

  // Minutes more, and images of 1.7 GB: `GAPLINE_TEST_FLOW=1 node test/images/build.ts` makes them.
  describe.runIf(GAPLINE_TEST_FLOW === '1')('with Spark and Prefect beside them', () => flowTests(() => stack));
});

const docker = async (...args: string[]): Promise<string> => (await promisify(execFile)('docker', args)).stdout.trim();

function identityOfRow(row: string): string {
  const [device = '', time = ''] = row.split('\t');
  return identity({ device, time });
}

/** A reading's identity as a point of InfluxDB has it; its times are of whole seconds or smaller, without zeros at the end. */
function identity({ device, time }: { device: string; time: string }): string {
  const seconds = new Date(Number(BigInt(time) / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = (BigInt(time) % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${device} ${seconds}${fraction && `.${fraction}`}Z`;
}
