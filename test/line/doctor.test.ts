import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lookAtDisk } from '../../cli/commands/doctor.ts';
import { createKafkaLog } from '../../core/log/kafka.ts';
import { describeWithInfluxdb, makeBucket } from '../servers/with-influxdb.ts';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';

// Needs GAPLINE_TEST_KAFKA and GAPLINE_TEST_INFLUXDB for the stacks that are broken there.

const doctor = (args: readonly string[], config = spambase) => gapline(['doctor', '--config', config, ...args]).ended;

/** A folder in which the line has run for a moment. */
async function used(): Promise<string> {
  const data = temporaryFolder();
  const run = gapline([
    'up',
    '--config',
    spambase,
    '--data',
    data,
    '--collector-port',
    '0',
    '--page-port',
    '0',
    '--labels',
    '10',
  ]);
  expect((await run.ended).code).toBe(0);
  return data;
}

test('a line that is well has nothing broken', { timeout: 60_000 }, async () => {
  const ended = await doctor(['--data', await used()]);
  expect(ended.stdout).not.toContain('BROKEN');
  expect(ended.stdout).toMatch(/^ok +model +spambase version 2: 57 fields, 2 classes/m);
  expect(ended.stdout).toMatch(/^ok +log +6 topics of at least 12 partitions/m);
  expect(ended.stdout).toMatch(/^ok +lag +records behind: spambase\.classifier \d+, spambase\.archive \d+/m);
  expect(ended.code).toBe(0);
});

test('a topic with too few partitions is named, with the configured number', { timeout: 60_000 }, async () => {
  const ended = await doctor(['--data', await used(), '--set', 'log.partitions=24']);
  expect(ended.stdout).toMatch(
    /^BROKEN +log +spam_data has 12 partitions.*log\.partitions is 24.*\[topic-mismatch\]$/m,
  );
  expect(ended.code).toBe(1);
});

test('a corrupt model is named', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  writeFileSync(join(folder, 'models/spambase/2/boosted.json.gz'), 'not trees');
  const ended = await doctor(['--data', temporaryFolder()], join(folder, 'stream.yaml'));
  expect(ended.stdout).toMatch(/^BROKEN +model +.*boosted\.json\.gz.*Train or import it again.*\[model-invalid\]$/m);
  expect(ended.code).toBe(1);
});

test('a Kafka that is down is named with its address, and a store that is down with its', {
  timeout: 60_000,
}, async () => {
  const addresses = ['--log', 'kafka://127.0.0.1:1?sasl=plain', '--store', 'http://127.0.0.1:2/o/b'];
  const env = {
    GAPLINE_INFLUXDB_TOKEN: 'a-secret',
    GAPLINE_KAFKA_USERNAME: 'user',
    GAPLINE_KAFKA_PASSWORD: 'a-secret too',
  };
  const args = ['doctor', '--config', spambase, '--data', temporaryFolder(), ...addresses];
  const ended = await gapline(args, { env }).ended;
  expect(ended.stdout).toMatch(
    /^BROKEN +log +Kafka at 127\.0\.0\.1:1 does not answer.*Check that it runs.*\[log-unavailable\]$/m,
  );
  expect(ended.stdout).toMatch(/^BROKEN +store +.*127\.0\.0\.1:2.*Check its address.*\[store-unavailable\]$/m);
  expect(ended.stdout + ended.stderr).not.toContain('a-secret');
  expect(ended.code).toBe(1);
});

test('a disk without room is named, with its folder', async () => {
  const folder = temporaryFolder();
  const statfs = (megabytes: number) => async () => ({ bavail: megabytes * 250, bsize: 4_000 });
  expect(await lookAtDisk(folder, statfs(200))).toContain('200 MB free');
  await expect(lookAtDisk(folder, statfs(199))).rejects.toMatchObject({
    code: 'disk-full',
    message: `${folder}: 199 MB free, less than 200 MB`,
  });
});

const mounts = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt']).status === 0;
const why = mounts ? '' : ' (not run: needs the right to mount; the check is tried above with a disk that is told)';

test.runIf(mounts)(`a disk that is really full is named by all that stands on it${why}`, { timeout: 60_000 }, () => {
  const data = temporaryFolder();
  const script =
    'mount -t tmpfs -o size=1m none "$1"; cat /dev/zero > "$1/full" 2> "$1/told"; exec ./gapline doctor --config "$2" --data "$1"';
  const ended = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', data, spambase], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(ended.stdout).toMatch(/^BROKEN +disk +.*: 0 MB free, less than 200 MB\. Make room.*\[disk-full\]$/m);
  expect(ended.stdout).toMatch(/^BROKEN +log +.*gapline\.db.*disk is full.*Make room.*\[disk-full\]$/m);
  expect(ended.stdout).toMatch(/^BROKEN +store +.*cannot be opened: .*disk is full.*Make room.*\[disk-full\]$/m);
  expect(ended.stdout).toMatch(/^ok +model/m);
  expect(ended.status).toBe(1);
});

test('a folder where nothing can be written is named', { timeout: 60_000 }, async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const ended = await doctor(['--data', join(file, 'data')]);
  expect(ended.stdout).toMatch(/^BROKEN +disk +--data .*nothing can be written there.*\[config-invalid\]$/m);
});

test("a clock that differs from the store's is named, with by how much", { timeout: 60_000 }, async () => {
  const store = createServer((_request, response) => {
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString());
    response.end('{}');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void store.close());
  await once(store, 'listening');
  const address = `http://127.0.0.1:${(store.address() as AddressInfo).port}/o/b`;
  const args = ['doctor', '--config', spambase, '--data', temporaryFolder(), '--store', address];
  const ended = await gapline(args, { env: { GAPLINE_INFLUXDB_TOKEN: 'a-secret' } }).ended;
  expect(ended.stdout).toMatch(
    /^BROKEN +clock +3(599|600)\.\d s ahead of the store's clock\. Set both by NTP.*\[clock-skewed\]$/m,
  );
  expect(ended.code).toBe(1);
});

describeWithInfluxdb('on a real InfluxDB', (access) => {
  const withStore = async (bucket: string, token: string) => {
    const args = ['--data', temporaryFolder(), '--store', `${access.url}/${access.org}/${bucket}`];
    return await gapline(['doctor', '--config', spambase, ...args], { env: { GAPLINE_INFLUXDB_TOKEN: token } }).ended;
  };

  test('a store that is well is told with its version', { timeout: 60_000 }, async () => {
    const bucket = await makeBucket(access);
    onTestFinished(() => bucket.remove());
    const { stdout } = await withStore(bucket.name, await bucket.grant('read', 'write'));
    expect(stdout).toMatch(/^ok +store +http.*, InfluxDB v?2\./m);
    expect(stdout).toMatch(/^ok +clock/m);
  });

  test('a wrong token, one that may not write, and a bucket that is gone are named', { timeout: 90_000 }, async () => {
    const bucket = await makeBucket(access);
    const reader = await bucket.grant('read');
    const wrong = await withStore(bucket.name, 'a-wrong-token');
    const reading = await withStore(bucket.name, reader);
    await bucket.remove();
    const gone = await withStore(bucket.name, access.token);
    for (const { stdout, stderr, code } of [wrong, reading, gone]) {
      expect(stdout).toMatch(
        /^BROKEN +store +InfluxDB at http.*Give it a token .* and a bucket that exists.*\[store-refused\]$/m,
      );
      expect(stdout.match(/^BROKEN +(store|clock)/gm)).toHaveLength(1);
      expect(code).toBe(1);
      for (const secret of ['a-wrong-token', reader, access.token]) expect(stdout + stderr).not.toContain(secret);
    }
    expect(wrong.stdout).toContain('does not know the token');
    expect(gone.stdout).toContain(bucket.name);
  });
});

const kafka = process.env.GAPLINE_TEST_KAFKA;
const noKafka = kafka ? '' : ' (not run: GAPLINE_TEST_KAFKA names none)';
describe.runIf(kafka)(`on a real Kafka${noKafka}`, () => {
  test('topics that are missing, or have too few partitions, are named', { timeout: 90_000 }, async () => {
    const stream = `doctor-${randomUUID()}`;
    const own = [`stream=${stream}`, `topics.readings=${stream}.readings`, `topics.predictions=${stream}.predictions`];
    const set = [...own, 'model.name=spambase'].flatMap((key) => ['--set', key]);
    const look = () => doctor(['--data', temporaryFolder(), '--log', kafka!, ...set]);
    expect((await look()).stdout).toMatch(/^BROKEN +log +.*no topic doctor-.*Start a stage.*\[topic-mismatch\]$/m);
    const log = createKafkaLog({ url: kafka!, logger: pino({ level: 'silent' }) });
    await log.start();
    onTestFinished(() => log.stop());
    const names = ['readings', 'predictions', 'deadletters', 'shadow', 'state', 'status'].map(
      (name) => `${stream}.${name}`,
    );
    await log.ensureTopics(names.map((name) => ({ name, partitions: 2, retentionMs: 3_600_000 })));
    const ended = await look();
    expect(ended.stdout).toMatch(
      /^BROKEN +log +doctor-.*\.readings has 2 partitions.*log\.partitions is 12.*\[topic-mismatch\]$/m,
    );
    expect(ended.code).toBe(1);
  });
});
