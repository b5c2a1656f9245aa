import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createClassifier } from '../../classifier/classifier.ts';
import { doubleModel } from '../../classifier/testing/doubles.ts';
import type { EventLog } from '../../core/log/port.ts';
import { createSqliteLog } from '../../core/log/sqlite.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { machine, median, table } from '../report.ts';

export interface CheckpointOptions {
  /** Records of a second of samples, over all devices. */
  readonly records: number;
  readonly rounds: number;
  /** Of the windows: what is open is what a checkpoint holds. */
  readonly lengths: readonly string[];
}

const devices = 24;
const rate = 1_000;
const fields = ['x', 'y', 'z'];
const partitions = 12;
const stream = { name: 'motors', fields, topics: topicsOf('motors') };
/** So often a classifier writes one by default. */
const usualMs = 10_000;
/** A round is short, so checkpoints come more often than by default; or only with the first batch of each partition. */
const cadences = { with: { everyMs: 1_000 }, without: { everyRecords: 1e9, everyMs: 1e9 } } as const;
/** Records a batch: a checkpoint goes with one. */
const maxBatch = 20;
type Cadence = keyof typeof cadences;

const openLog = (file: string): EventLog => createSqliteLog({ file, logger: pino({ level: 'silent' }) });

/** One log of records, which each round copies. */
async function fill(file: string, records: number): Promise<void> {
  const log = openLog(file);
  await log.start();
  await log.ensureTopics(
    Object.values(stream.topics).map((name) => ({
      ...{ name, partitions, retentionMs: 3_600_000 },
      compacted: name === stream.topics.state,
    })),
  );
  const random = mulberry32(1);
  const samples = () => Array.from({ length: rate }, () => Number((random() * 2 - 1).toFixed(4)));
  const startNs = 1_760_000_000n * 1_000_000_000n;
  for (let from = 0; from < records; from += devices) {
    const batch = Array.from({ length: devices }, (_, device) => {
      const time = `${startNs + BigInt(from / devices) * 1_000_000_000n}`;
      const values = Object.fromEntries(fields.map((name) => [name, samples()]));
      const record = { stream: stream.name, device: `d${device}`, time, rate, values, received: time };
      return { key: record.device, value: Buffer.from(JSON.stringify(record)) };
    });
    await log.append(stream.topics.readings, batch, { deadlineMs: 60_000 });
  }
  await log.stop();
}

interface Run {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly checkpoints: number;
}

/** A classifier that works through all of a log. Its model labels by a sum, so that nothing but steps and log takes time. */
async function run(file: string, records: number, length: string, cadence: Cadence): Promise<Run> {
  const log = openLog(file);
  await log.start();
  const steps = [
    { use: 'filter', band: 'bandpass', low: 20, high: 400, order: 4, rate },
    { use: 'window', length, every: '1s' },
    { use: 'statistics', features: ['rms', 'kurtosis'] },
  ];
  const classifier = createClassifier({
    ...{ stream, log, logger: pino({ level: 'silent' }), registry: new Registry(), maxBatch },
    checkpoints: cadences[cadence],
    models: { current: async () => doubleModel({ fields, steps }) },
  });
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  await classifier.start();
  while (classifier.totals().readings < records * rate) await sleep(20);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1_000;
  await classifier.stop();
  let checkpoints = 0;
  for await (const found of log.tail([stream.topics.state], { since: 0, follow: false }))
    checkpoints += found.filter(({ key }) => !key?.includes('/')).length;
  await log.stop();
  return { cpuSeconds: (user + system) / 1e6, seconds, checkpoints };
}

/** With and without checkpoints in turn, and a section of docs/benchmarks.md. */
export async function compareCheckpoints({ records, rounds, lengths }: CheckpointOptions): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-checkpoints-'));
  try {
    const source = join(folder, 'source.db');
    await fill(source, records);
    console.error(`${records} records, ${(statSync(source).size / 1e6).toFixed(0)} MB`);
    const rows: string[][] = [];
    for (const length of lengths) {
      const found: Record<Cadence, Run[]> = { with: [], without: [] };
      for (let round = -1; round < rounds; round++)
        for (const cadence of ['with', 'without'] as const) {
          const file = join(folder, 'log.db');
          copyFileSync(source, file);
          const measured = await run(file, records, length, cadence);
          for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
          console.error(JSON.stringify({ length, round, cadence, ...measured }));
          // The first round warms up.
          if (round >= 0) found[cadence].push(measured);
        }
      rows.push(rowOf(length, found, records));
    }
    return sectionOf(rows, { records, rounds });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowOf(length: string, found: Readonly<Record<Cadence, readonly Run[]>>, records: number): string[] {
  const cpu = (cadence: Cadence) => median(found[cadence].map(({ cpuSeconds }) => cpuSeconds));
  const perSecond = (cadence: Cadence) => `${((records * rate) / cpu(cadence) / 1e6).toFixed(2)} M`;
  const made = median(found.with.map(({ checkpoints }) => checkpoints));
  const share = 1 - cpu('without') / cpu('with');
  const usual = (1 - (share * cadences.with.everyMs) / usualMs).toFixed(3);
  return [length, perSecond('without'), perSecond('with'), (1 - share).toFixed(3), `${made}`, usual];
}

const sectionOf = (rows: readonly string[][], { records, rounds }: Pick<CheckpointOptions, 'records' | 'rounds'>) =>
  `\`npm run bench -- signals --only checkpoints\`: a classifier on the embedded log, ${records} records of ${rate} samples of ${fields.length}
channels, ${devices} devices, ${partitions} partitions; filter, window and statistics, a model that takes no time; ${rounds} rounds with and without
checkpoints in turn, but for the first one of each partition. Each partition takes one every ${cadences.with.everyMs / 1_000} s, ${usualMs / cadences.with.everyMs} times as often as by
default; the last column is the ratio that follows for the default. Samples for each second of the processor; the target is 0.95. ${machine()}

${table(['windows of', 'without', 'with checkpoints', 'ratio', 'checkpoints', 'ratio by default'], rows)}
`;
