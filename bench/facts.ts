// Facts: how fast readings are labelled on the embedded log with `gate` and `join`, beside the same line without: in turn in one run.
// npm run bench -- facts [--readings 200000] [--rounds 5] [--only first,between] [--dry-run]
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createClassifier } from '../classifier/classifier.ts';
import type { EventLog } from '../core/log/port.ts';
import { createSqliteLog } from '../core/log/sqlite.ts';
import { mulberry32 } from '../core/numeric/random/mulberry32.ts';
import { firstFacts, laterFacts, makeWards, readingOf, type Ward } from './facts/ward.ts';
import { machine, median, table, writeSection } from './report.ts';
import { spent } from './spent.ts';

const { values: options } = parseArgs({
  options: {
    readings: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: 'first,between' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const readings = Number(options.readings);
const rounds = Number(options.rounds);
const logger = pino({ level: 'silent' });
const deadlineMs = 60_000;
const appended = 2_000;
/** Told after each 2,000 readings, where facts come between them. */
const toldBetween = 20;

interface Case {
  readonly title: string;
  /** Whether the readings are there before the classifier starts; else they come, with further facts between them, while it works. */
  readonly isBacklog: boolean;
}

const cases: Readonly<Record<string, Case>> = {
  first: { title: 'a backlog, all facts before it', isBacklog: true },
  between: {
    title: `live, ${toldBetween} facts after each ${appended.toLocaleString('en')} readings`,
    isBacklog: false,
  },
};

interface Measured {
  readonly perSecond: number;
  /** CPU seconds for a million readings. */
  readonly cpuPerMillion: number;
}

async function openLog(folder: string, { stream }: Ward): Promise<EventLog> {
  mkdirSync(folder);
  const log = createSqliteLog({ file: join(folder, 'log.db'), logger });
  await log.start();
  await log.ensureTopics(
    Object.values(stream.topics).map((name) => ({
      ...{ name, partitions: 12, retentionMs: 86_400_000 },
      compacted: name === stream.topics.state || name === stream.topics.facts,
    })),
  );
  return log;
}

async function send(log: EventLog, ward: Ward, isLive: boolean): Promise<void> {
  const random = mulberry32(7);
  for (let from = 0, round = 0; from < readings; from += appended, round += 1) {
    const records = Array.from({ length: appended }, (_, at) => readingOf(ward, from + at, random));
    await log.append(ward.stream.topics.readings, records, { deadlineMs });
    if (isLive && ward.stream.facts)
      await log.append(ward.stream.topics.facts, laterFacts(ward, round, toldBetween), { deadlineMs });
  }
}

async function measure(folder: string, ward: Ward, { isBacklog }: Case): Promise<Measured> {
  const log = await openLog(folder, ward);
  try {
    if (ward.stream.facts) await log.append(ward.stream.topics.facts, firstFacts(ward), { deadlineMs });
    if (isBacklog) await send(log, ward, false);
    const models = { current: async () => ward.model };
    const classifier = createClassifier({
      ...{ stream: ward.stream, log, models, logger },
      registry: new Registry(),
    });
    const [, { seconds, cpu }] = await spent(async () => {
      await classifier.start();
      if (!isBacklog) await send(log, ward, true);
      while (classifier.totals().labels < readings) await sleep(5);
    });
    await classifier.stop();
    return { perSecond: readings / seconds, cpuPerMillion: (cpu * 1e6) / readings };
  } finally {
    await log.stop();
    rmSync(folder, { recursive: true });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'gapline-facts-'));
try {
  const wards = await makeWards(folder);
  const rows: string[][] = [];
  for (const [name, one] of Object.entries(cases)) {
    if (!options.only.split(',').includes(name)) continue;
    const found = { with: [] as Measured[], without: [] as Measured[] };
    for (let round = 0; round <= rounds; round++)
      for (const ward of wards) {
        const measured = await measure(join(folder, 'log'), ward, one);
        console.error(JSON.stringify({ case: name, round, facts: ward.name, ...measured }));
        // The first one warms up.
        if (round > 0) found[ward.name].push(measured);
      }
    const by = (of: (each: Measured) => number) => [median(found.with.map(of)), median(found.without.map(of))] as const;
    const [speed, bare] = by(({ perSecond }) => perSecond);
    const [cpu, bareCpu] = by(({ cpuPerMillion }) => cpuPerMillion);
    rows.push([
      one.title,
      ...[speed, bare].map((each) => Math.round(each).toLocaleString('en')),
      ...[speed / bare, cpu, bareCpu, bareCpu / cpu].map((each) => each.toFixed(2)),
    ]);
  }
  const header = ['', 'with', 'without', 'ratio', 'CPU s a million, with', 'without', 'ratio'];
  const section = `## Facts

\`npm run bench -- facts\` · ${machine()}

Readings a second that one classifier labels on the embedded log, 12 partitions, ${readings.toLocaleString('en')} readings of 500 patients, a forest of 100 trees on five
columns. With: \`gate\` and a required \`join\` of the age. Without: the age stands in each reading. Medians of ${rounds} rounds in
turn. Live, the time of appending is in both.

${table(header, rows)}`;
  console.log(section);
  if (!options['dry-run']) writeSection('facts', section);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
