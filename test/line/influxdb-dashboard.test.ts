import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InfluxDB } from '@influxdata/influxdb-client';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKafkaLog } from '../../core/log/kafka.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { variableName } from '../../influxdb/flux.ts';
import { startTelegraf } from '../servers/telegraf.ts';
import { influxdbApi, makeBucket } from '../servers/with-influxdb.ts';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';
import { ledgerIdentities, recordsFrom } from './identities.ts';

const { GAPLINE_TEST_KAFKA: kafka, GAPLINE_TEST_INFLUXDB: url, GAPLINE_TEST_TELEGRAF: telegraf } = process.env;
const { GAPLINE_TEST_INFLUXDB_ORG: org = '', GAPLINE_TEST_INFLUXDB_TOKEN: token = '' } = process.env;
const here = (kafka && url && telegraf) || process.env.GAPLINE_REQUIRE_SERVERS === '1';
const why = here ? '' : ' (not run: no real servers here; `npm run servers` gets them)';

const readings = 1_200;
const windowSeconds = 2;

describe.skipIf(!here)(`InfluxDB's dashboard beside a live line${why}`, () => {
  test('shows what the ledger, the generator and the log know', { timeout: 240_000 }, async () => {
    const access = { url: url!, org, token };
    const bucket = await makeBucket(access);
    onTestFinished(() => bucket.remove());
    const folder = temporaryFolder();
    // A stream of its own on a Kafka that other tests use too.
    const stream = `dash-${randomUUID().slice(0, 8)}`;
    const topics = ['readings', 'predictions'].flatMap((role) => ['--set', `topics.${role}=${stream}.${role}`]);
    const config = ['--config', spambase, '--set', `stream=${stream}`, '--set', 'model.name=spambase', ...topics];
    const env = { GAPLINE_INFLUXDB_TOKEN: token };
    const store = ['--store', `${url}/${org}/${bucket.name}`];
    const at = [...config, '--log', kafka!, '--log-level', 'warn', '--port', '0'];

    const collector = gapline(['collect', ...at, ...store, '--data', join(folder, 'collector')], { env });
    const classifier = gapline(['classify', ...at, '--data', join(folder, 'classifier')]);
    const rendered = await gapline(['telegraf-config', ...config, '--log', kafka!]).ended;
    await writeFile(join(folder, 'stream.conf'), rendered.stdout);
    const agent = await startTelegraf({
      configFiles: [join(root, 'telegraf/telegraf.conf'), join(folder, 'stream.conf')],
      env: {
        GAPLINE_INFLUXDB_URL: access.url,
        GAPLINE_INFLUXDB_TOKEN: token,
        GAPLINE_INFLUXDB_ORG: org,
        GAPLINE_INFLUXDB_BUCKET: bucket.name,
      },
    });
    onTestFinished(() => agent.stop());
    const imported = await gapline(['import-dashboard', ...config, ...store], { env }).ended;
    expect(imported.stdout).toMatch(/^dashboard created: /);
    const collectorUrl = await collector.printed(/collector: (\S+)/);

    const fromMs = Date.now() - 5_000;
    const ledger = join(folder, 'ledger.ndjson');
    const flow = ['--set', 'generator.rate=150', '--set', 'generator.batch=10', '--count', String(readings)];
    const generated = await gapline([
      ...[
        'generate',
        ...config,
        ...flow,
        '--to',
        collectorUrl,
        '--ledger',
        ledger,
        '--data',
        join(folder, 'generator'),
      ],
    ]).ended;
    const [, accepted, gaps, values] = /(\d+) readings accepted with (\d+) of (\d+) values/.exec(generated.stdout)!;
    expect(ledgerIdentities(ledger)).toHaveLength(readings);
    expect(Number(accepted)).toBe(readings);

    const dashboard = /dashboards\/(\w+)/.exec(imported.stdout)![1];
    const found = await influxdbApi<{ cells: { name: string; properties: { queries: { text: string }[] } }[] }>(
      access,
      'GET',
      `/api/v2/dashboards/${dashboard}?include=properties`,
    );
    const stop = new Date((Math.floor(Date.now() / 1_000) + 60) * 1_000).toISOString();
    const client = new InfluxDB({ url: access.url, token, timeout: 60_000 }).getQueryApi(org);
    async function cell(name: string): Promise<Record<string, unknown>[]> {
      const query = found.cells.find((one) => one.name === name)!.properties.queries[0]!.text;
      const imports = query.match(/^import .*$/gm) ?? [];
      const option =
        `option v = {${variableName('device', stream)}: "(all devices)", ${variableName('field', stream)}: "word_freq_make", ` +
        `timeRangeStart: ${new Date(fromMs).toISOString()}, timeRangeStop: ${stop}, windowPeriod: ${windowSeconds}s}`;
      return client.collectRows([...imports, option, query.replaceAll(/^import .*$/gm, '')].join('\n'));
    }
    const sum = (rows: readonly Record<string, unknown>[], column = '_value') =>
      rows.reduce((total, row) => total + Number(row[column]), 0);

    await until('every label in InfluxDB', async () => sum(await cell('Labels over time')) === readings);
    await until(
      'every reading in InfluxDB',
      async () => sum(await cell('Readings a second')) * windowSeconds === readings,
    );
    const byField = await cell('Gap rate by field');
    expect(byField).toHaveLength(57);
    expect(sum(byField, 'gapRate') / 57).toBeCloseTo((100 * Number(gaps)) / Number(values), 7);

    const log = createKafkaLog({ url: kafka!, logger: pino({ level: 'silent' }) });
    const predictions = await recordsFrom<Prediction>(log, `${stream}.predictions`);
    const right = predictions.filter(({ label, truth }) => label === truth).length;
    expect((await cell('Accuracy'))[0]!._value).toBeCloseTo((100 * right) / readings, 9);
    expect(right / readings).toBeGreaterThan(0.85);
    const confusion = await cell('Confusion');
    const classes = confusion.map(({ truth }) => truth as string);
    expect(classes.reduce((total, one, index) => total + Number(confusion[index]![one]), 0)).toBe(right);
    const calibration = await cell('Calibration');
    expect(calibration.some(({ _field }) => _field === 'share of right labels')).toBe(true);
    await until('the lag of a stage', async () => (await cell('Lag')).some(({ stage }) => stage === 'classifier'));

    for (const { name } of found.cells) await expect(cell(name), name).resolves.toBeDefined();
    const { checks } = await influxdbApi<{ checks: { id: string; name: string }[] }>(
      access,
      'GET',
      `/api/v2/checks?orgID=${bucket.orgID}&limit=100`,
    );
    const ours = checks.filter(({ name }) => name.startsWith(`Gapline ${stream}: `));
    expect(ours).toHaveLength(3);
    for (const { id, name } of ours) {
      const { flux } = await influxdbApi<{ flux: string }>(access, 'GET', `/api/v2/checks/${id}/query`);
      await expect(client.collectRows(flux), name).resolves.toBeDefined();
    }
    for (const stage of [collector, classifier]) {
      stage.kill('SIGTERM');
      expect((await stage.ended).code).toBe(0);
    }
  });
});

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 500));
  }
}
