// How fast readings are taken over HTTP into Kafka, beside Telegraf, Flask, and node:http that only reads the body; counted in Kafka.
// npm run bench -- ingest [--seconds 4] [--rounds 3] [--jobs ndjson,lines,one-json,one-line] [--peers gapline,gapline-disk,telegraf,flask,bare]
//   [--warm-up 20] [--workers N] [--docs] [--base FOLDER]: peer sqlite beside the same of another tree of this repository, on SQLite
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadKafkajs } from '../core/log/kafka/client.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { type Job, jobs, namesOf, writeBodies } from './ingest/jobs.ts';
import { Bench, type Bodies, demandWrk, type Measured } from './ingest/measure.ts';
import { example, type Peer, peers, startBase } from './ingest/peers.ts';
import { machine, median, table, writeSection } from './report.ts';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    'warm-up': { type: 'string', default: '20' },
    jobs: { type: 'string', default: jobs.map(({ name }) => name).join() },
    peers: { type: 'string', default: 'gapline,gapline-disk,telegraf,bare' },
    workers: { type: 'string', default: '' },
    docs: { type: 'boolean', default: false },
    base: { type: 'string', default: '' },
  },
});

demandWrk();

/** Rounds of each peer at each job, by `JOB/PEER`. */
const results = new Map<string, Measured[]>();
const chosen = jobs.filter(({ name }) => options.jobs.split(',').includes(name));
const folder = mkdtempSync(join(tmpdir(), 'gapline-ingest-bodies-'));
const kafka = await startKafka({ report: (line) => console.error(line) });
const { Kafka, logLevel } = await loadKafkajs();
const admin = new Kafka({ brokers: [kafka.broker], logLevel: logLevel.NOTHING }).admin();
const started: Peer[] = [];
try {
  await admin.connect();
  const topics = ['telegraf', 'flask', 'spam_data'].map((topic) => ({ topic, numPartitions: 12 }));
  await admin.createTopics({ topics });
  for (const name of options.peers.split(',')) {
    const start = peers[name];
    if (start === undefined) throw new Error(`there is no peer ${name}; there are ${Object.keys(peers).join(', ')}`);
    started.push(await start(kafka.broker, options.workers));
  }
  if (options.base !== '') started.push(await startBase(options.base));
  await runRounds(new Bench(admin, kafka.pid));
  const report = reportOf();
  console.log(report);
  if (options.docs) writeSection('ingest', report);
} finally {
  for (const peer of started) await peer.stop();
  await admin.disconnect();
  await kafka.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function runRounds(bench: Bench): Promise<void> {
  const names = namesOf(join(example, 'data/test.csv'));
  const bodies = new Map<Job, Bodies>();
  for (const job of chosen) {
    const own = join(folder, job.name);
    bodies.set(job, { folder: own, count: writeBodies(job, names, own) });
  }
  // Round 0 warms up and is not counted. It is long because of Kafka: a new one takes up to ten times the CPU for a record, until its
  // virtual machine has compiled what runs often, and whoever waits for its responses is slowed down by that.
  for (let round = 0; round <= Number(options.rounds); round += 1) {
    for (const [job, own] of bodies) {
      for (const peer of started) {
        const url = peer.url(job);
        if (url === undefined) continue;
        const seconds = Number(options[round === 0 ? 'warm-up' : 'seconds']);
        const measured = await bench.measure(peer, url, job, own, seconds);
        if (round === 0) continue;
        const key = `${job.name}/${peer.name}`;
        results.set(key, [...(results.get(key) ?? []), measured]);
        console.error(JSON.stringify({ round, job: job.name, peer: peer.name, ...measured, load: loadavg()[0] }));
      }
    }
  }
}

function reportOf(): string {
  const rows = chosen.flatMap((job) =>
    started.flatMap(({ name }) => {
      const own = results.get(`${job.name}/${name}`);
      return own === undefined ? [] : [rowOf(job, name, own)];
    }),
  );
  const header = ['job', 'peer', 'readings/s', 'ratio', 'CPU-s a million', 'ratio', 'CPU-s of Kafka', 'p99 ms', 'MB'];
  return `## Taking readings into Kafka

\`npm run bench -- ingest ${process.argv.slice(2).join(' ')}\` · ${machine()} Load of the machine at the end: ${loadavg()[0]?.toFixed(1)}.

57 values a reading, 30 % of them null; everything on one machine, with Kafka and the load generator \`wrk\`. Medians of
${options.rounds} interleaved rounds of ${options.seconds} s after one of ${options['warm-up']} s, with the lowest and the highest; readings are counted in Kafka. \`ratio\` is
against Telegraf at the same job; Telegraf takes line protocol where Gapline takes NDJSON. Gapline and Flask answer after
Kafka has the readings, \`gapline-disk\` (\`collector.acknowledge: disk\`) after its disk has them, Telegraf before. \`bare\` is node:http that only reads the body. Where
the load is far above the number of cores, readings/s tell how the system shared them out; CPU-seconds count then.

${table([...header, 'refused'], rows)}${againstBase()}`;
}

/** How many times as many readings Gapline takes on SQLite as the tree that `--base` names. */
function againstBase(): string {
  const lines = chosen.flatMap(({ name, title }) => {
    const [own, base] = ['sqlite', 'sqlite-base'].map((peer) => results.get(`${name}/${peer}`));
    if (own === undefined || base === undefined) return [];
    const times = (figure: 'readingsPerSecond' | 'cpuPerMillion') =>
      (median(own.map((each) => each[figure])) / median(base.map((each) => each[figure]))).toFixed(2);
    return [
      `On SQLite, ${title}: ${times('readingsPerSecond')} times the readings/s of the base, ${times('cpuPerMillion')} of its CPU.`,
    ];
  });
  return lines.length === 0 ? '' : `\n\n${lines.join('\n')}`;
}

function rowOf(job: Job, peer: string, own: readonly Measured[]): string[] {
  const of = (name: string, figure: keyof Measured) => median((results.get(name) ?? []).map((each) => each[figure]));
  const key = `${job.name}/${peer}`;
  const other = `${job.name === 'ndjson' ? 'lines' : job.name}/telegraf`;
  const ratio = (figure: keyof Measured) =>
    results.has(other) ? (of(key, figure) / of(other, figure)).toFixed(2) : '';
  const rates = own.map(({ readingsPerSecond }) => readingsPerSecond);
  const range = `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`;
  return [
    job.title,
    peer,
    `${whole(median(rates))} (${range})`,
    ratio('readingsPerSecond'),
    whole(of(key, 'cpuPerMillion')),
    ratio('cpuPerMillion'),
    whole(of(key, 'kafkaCpuPerMillion')),
    of(key, 'p99Ms').toFixed(1),
    whole(of(key, 'peakMb')),
    `${(100 * of(key, 'refused')).toFixed(1)} %`,
  ];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
