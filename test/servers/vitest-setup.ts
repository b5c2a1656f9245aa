import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { influxdbSupply, startInfluxdb } from './influxdb.ts';
import { kafkaSupply, startKafka } from './kafka.ts';
import { obtain, obtained } from './obtain.ts';
import type { ServerHandle } from './process.ts';
import { telegrafProgram, telegrafSupply } from './telegraf.ts';

const supplies = { KAFKA: kafkaSupply, INFLUXDB: influxdbSupply, TELEGRAF: telegrafSupply } as const;

type Name = keyof typeof supplies;

const tell = (line: string): void => console.error(`servers: ${line}`);

/**
 * Gives a run its real servers, by the variables `GAPLINE_TEST_KAFKA`, `_INFLUXDB` (with `_TOKEN`, `_ORG`, `_BUCKET`) and `_TELEGRAF` (the
 * program's path). Those already in the environment are used as they are. Otherwise the servers in the cache are started for the run
 * when a chosen test file names their variable; `GAPLINE_REQUIRE_SERVERS=1` gets what the cache has not and starts all.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const required = process.env.GAPLINE_REQUIRE_SERVERS === '1';
  const wanted = (required ? (Object.keys(supplies) as Name[]) : await namedByTests(project)).filter(
    (name) => !process.env[`GAPLINE_TEST_${name}`],
  );
  if (required) await Promise.all(wanted.map((name) => obtain(supplies[name], tell)));
  const missing = wanted.filter((name) => !obtained(supplies[name]));
  if (missing.length > 0) {
    const titles = missing.map((name) => supplies[name].title).join(', ');
    tell(`not here: ${titles}. Their tests do not run; \`npm run servers\` gets them, once.`);
  }
  const started: ServerHandle[] = [];
  const stop = async () => void (await Promise.all(started.map((server) => server.stop())));
  const here = (name: Name) => wanted.includes(name) && !missing.includes(name);
  const outcomes = await Promise.allSettled([
    here('KAFKA') && startKafka().then(useKafka),
    here('INFLUXDB') && startInfluxdb().then(useInfluxdb),
  ]);
  if (here('TELEGRAF')) process.env.GAPLINE_TEST_TELEGRAF = telegrafProgram();
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return stop;

  function useKafka(kafka: Awaited<ReturnType<typeof startKafka>>): void {
    started.push(kafka);
    process.env.GAPLINE_TEST_KAFKA = kafka.url;
  }

  function useInfluxdb(influxdb: Awaited<ReturnType<typeof startInfluxdb>>): void {
    started.push(influxdb);
    process.env.GAPLINE_TEST_INFLUXDB = influxdb.url;
    process.env.GAPLINE_TEST_INFLUXDB_TOKEN = influxdb.token;
    process.env.GAPLINE_TEST_INFLUXDB_ORG = influxdb.org;
    process.env.GAPLINE_TEST_INFLUXDB_BUCKET = influxdb.bucket;
  }
}

/** The servers whose variable a test file of this run names, so that a run of unit tests starts none. */
async function namedByTests(project: TestProject): Promise<Name[]> {
  // Not in Vitest's types: the files named on its command line. Without it all files count.
  const { filenamePattern } = project.vitest as { filenamePattern?: string[] };
  const { testFiles } = await project.globTestFiles(filenamePattern);
  const sources = testFiles.map((file) => readFileSync(file, 'utf8'));
  return (Object.keys(supplies) as Name[]).filter((name) =>
    sources.some((text) => text.includes(`GAPLINE_TEST_${name}`)),
  );
}
