import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKafkaLog } from '../../core/log/kafka.ts';
import { createInfluxStore } from '../../core/store/influxdb.ts';
import { startInfluxdb } from '../servers/influxdb.ts';
import { startKafka } from '../servers/kafka.ts';
import { freePort, type ServerHandle } from '../servers/process.ts';
import { startTelegraf } from '../servers/telegraf.ts';
import { gapline, root, spambase, temporaryFolder } from './gapline.ts';
import { identities, ledgerIdentities } from './identities.ts';

// Needs servers of its own, which it kills; GAPLINE_TEST_TELEGRAF says that they are in the cache.
const here = process.env.GAPLINE_TEST_TELEGRAF !== undefined || process.env.GAPLINE_REQUIRE_SERVERS === '1';
const why = here ? '' : ' (not run: no real servers here; `npm run servers` gets them)';

/** How many readings go down the line; GAPLINE_FAULT_READINGS=100000 is the full measure. */
const readings = Number(process.env.GAPLINE_FAULT_READINGS ?? 12_000);
const timeout = 20 * 60_000;
const logger = pino({ level: 'silent' });
const wholeRange = { from: '-9223372036854775806', to: '9223372036854775806' };

/** A stage as a process that is killed and started again with the same arguments. */
function stage(args: readonly string[], env: NodeJS.ProcessEnv) {
  let process = gapline(args, { env });
  return {
    name: args[0],
    ready: (pattern: RegExp) => process.printed(pattern),
    async killAndRestart() {
      process.kill('SIGKILL');
      await process.ended;
      process = gapline(args, { env });
    },
    async stop() {
      process.kill('SIGTERM');
      return (await process.ended).code;
    },
  };
}

const server = (handle: ServerHandle) => ({
  name: handle.name,
  async killAndRestart() {
    await handle.kill();
    await handle.restart();
  },
});

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeout / 2;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

const sorted = (set: ReadonlySet<string>): string[] => [...set].sort();

describe.skipIf(!here)(`the real stack${why}`, () => {
  test('every part is killed once in the middle, and no identity is lost or doubled', { timeout }, async () => {
    const folder = temporaryFolder();
    const [kafka, influxdb] = await Promise.all([startKafka(), startInfluxdb()]);
    onTestFinished(() => Promise.all([kafka.stop(), influxdb.stop()]).then(() => {}));
    const { org, bucket, token } = influxdb;
    const env = { GAPLINE_INFLUXDB_TOKEN: token };
    const at = ['--config', spambase, '--log', kafka.url, '--log-level', 'warn'];
    const port = await freePort();
    const store = ['--store', `${influxdb.url}/${org}/${bucket}`];

    const collector = stage(
      ['collect', ...at, ...store, '--port', String(port), '--data', join(folder, 'collector')],
      env,
    );
    const classifier = stage(['classify', ...at, '--data', join(folder, 'classifier')], env);
    const rendered = await gapline(['telegraf-config', '--config', spambase, '--log', kafka.url]).ended;
    const input = join(folder, 'stream.conf');
    await writeFile(input, rendered.stdout);
    const telegraf = await startTelegraf({
      configFiles: [join(root, 'telegraf/telegraf.conf'), input],
      env: {
        GAPLINE_INFLUXDB_URL: influxdb.url,
        GAPLINE_INFLUXDB_TOKEN: token,
        GAPLINE_INFLUXDB_ORG: org,
        GAPLINE_INFLUXDB_BUCKET: bucket,
      },
    });
    onTestFinished(() => telegraf.stop());
    await collector.ready(/collector: /);

    const ledger = join(folder, 'ledger.ndjson');
    const flow = ['--set', `generator.rate=${readings / 60}`, '--set', 'generator.batch=50'];
    const generator = gapline([
      ...['generate', '--config', spambase, '--to', `http://127.0.0.1:${port}`, '--ledger', ledger, ...flow],
      ...['--count', String(readings), '--data', join(folder, 'generator')],
    ]);
    const accepted = async () => ledgerIdentities(ledger).length;
    const parts = [collector, classifier, server(telegraf), server(influxdb), server(kafka)];
    for (const [index, part] of parts.entries()) {
      await until(`the ledger before ${part.name}`, async () => (await accepted()) >= (readings * (index + 1)) / 7);
      await part.killAndRestart();
    }
    expect((await generator.ended).code).toBe(0);

    const log = createKafkaLog({ url: kafka.url, logger });
    await log.start();
    onTestFinished(() => log.stop());
    const recordsOf = async (topic: string) => {
      const found: string[] = [];
      for await (const records of log.tail([topic], { since: 0, follow: false })) {
        found.push(...identities(records.map(({ value }) => JSON.parse(Buffer.from(value).toString()))));
      }
      return found;
    };
    const points = createInfluxStore({ url: influxdb.url, org, bucket, token, logger });
    await points.start();
    onTestFinished(() => points.stop());
    const pointsOf = async (measurement: string) => {
      const found = new Set<string>();
      for await (const batch of points.read({ measurement, range: wholeRange })) {
        for (const identity of identities(batch)) found.add(identity);
      }
      return found;
    };
    const wanted = new Set(ledgerIdentities(ledger));
    await until('predictions', async () => wanted.isSubsetOf(new Set(await recordsOf('spam_predictions'))));
    await until('prediction points', async () => wanted.isSubsetOf(await pointsOf('spambase.predictions')));
    await until('archive', async () => wanted.isSubsetOf(await pointsOf('spambase')));

    const taken = await recordsOf('spam_data');
    const labelled = await recordsOf('spam_predictions');
    const predictionPoints = await pointsOf('spambase.predictions');
    const archived = await pointsOf('spambase');
    const counts = {
      ledger: wanted.size,
      readings: taken.length,
      predictions: labelled.length,
      predictionPoints: predictionPoints.size,
      archived: archived.size,
      extraRecords: taken.length - new Set(taken).size,
    };
    console.log(JSON.stringify(counts));
    expect(wanted.size).toBe(readings);
    // One label a record, and no identity that was not accepted.
    expect(labelled.sort()).toEqual(taken.sort());
    expect(sorted(new Set(labelled))).toEqual(sorted(wanted));
    expect(sorted(predictionPoints)).toEqual(sorted(wanted));
    expect(wanted.isSubsetOf(archived)).toBe(true);
    expect(
      await log.tail(['spambase.deadletters'], { since: 0, follow: false })[Symbol.asyncIterator]().next(),
    ).toEqual({
      done: true,
      value: undefined,
    });
    expect(await collector.stop()).toBe(0);
    expect(await classifier.stop()).toBe(0);
  });
});
