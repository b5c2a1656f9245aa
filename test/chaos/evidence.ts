import { pino } from 'pino';
import { classifierGroup, inputsOf } from '../../classifier/classifier.ts';
import { archiveGroup } from '../../collector/archive.ts';
import { createKafkaLog } from '../../core/log/kafka.ts';
import { type EventLog, type StoredRecord, totalLag } from '../../core/log/port.ts';
import { createInfluxStore } from '../../core/store/influxdb.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import type { DeadLetter } from '../../core/wire/dead-letter.ts';
import { decodeRecord, isSamples } from '../../core/wire/decode-samples.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { samplesToPoints } from '../../core/wire/samples-point.ts';
import type { Status } from '../../core/wire/status.ts';
import { identityOf, ledgerIdentities, takePoints } from '../line/identities.ts';
import type { Evidence, Said } from './check.ts';
import type { KeptTopics } from './deleted/kept.ts';
import { gatherFacts } from './fact-evidence.ts';
import type { Line } from './line.ts';
import { sumInLog } from './parts.ts';
import { plantedIdentity } from './planted.ts';
import type { Stack } from './stack.ts';
import { topicsOfCase } from './streams.ts';
import { gatherWindows } from './window-evidence.ts';

const logger = pino({ level: 'silent' });

/** Reads what is in log and store, beside the proxies. */
export interface Inquiry {
  /** How far archives and classifiers are behind. */
  lag(): Promise<number>;
  gather(line: Line): Promise<Evidence>;
  stop(): Promise<void>;
}

export async function inquire({ kafkaUrl, influxdb, lines, keptTopics }: Stack): Promise<Inquiry> {
  const log = createKafkaLog({ url: kafkaUrl, logger });
  const store = createInfluxStore({ ...influxdb, logger });
  await Promise.all([log.start(), store.start()]);
  const lagOf = async (line: Line) => {
    const facts = line.clerk && {};
    const stream = { name: line.case.stream, fields: [], topics: topicsOfCase(line.case), ...(facts && { facts }) };
    const lags = await Promise.all([
      log.lag(archiveGroup(stream), [stream.topics.readings]),
      log.lag(classifierGroup(stream), inputsOf(stream)),
    ]);
    return totalLag(lags.flat());
  };
  return {
    async lag() {
      const lags = await Promise.all(lines.map(lagOf));
      return lags.reduce((sum, lag) => sum + lag, 0);
    },
    gather: (line) => gather(line, log, store, keptTopics),
    async stop() {
      await Promise.all([log.stop(), store.stop()]);
    },
  };
}

async function gather(line: Line, log: EventLog, store: SeriesStore, kept?: KeptTopics): Promise<Evidence> {
  const { witness, excused, planted, collector, ledger } = line;
  const { stream } = line.case;
  const topics = topicsOfCase(line.case);
  const collectorLog = collector.logFile;
  const deleted = async (topic: string) => (await kept?.records(topic)) ?? [];
  const all = async (topic: string) => [...(await deleted(topic)).flat(), ...(await storedIn(log, topic))];
  const records = await all(topics.readings);
  const found = records.map(pointsOf);
  const letters = (await all(topics.deadLetters)).map(parsed<DeadLetter>);
  // Those of the archive stand for points, not for labels.
  const dead = letters.filter(({ stage }) => stage === 'classifier');
  const unarchivable = letters.filter(({ stage }) => stage === 'archive').map(identityOfLetter);
  const reports = await all(topics.status);
  const statuses = reports.map(parsed<Status>);
  const predictions = (await all(topics.predictions)).map(parsed<Prediction>);
  return {
    acknowledged: new Set([...witness.acknowledged, ...ledgerIdentities(ledger), ...planted]),
    sent: new Set([...witness.sent, ...planted]),
    resent: witness.resent,
    excused,
    possibleExtras: sumInLog(collectorLog, ({ possibleExtras }) => Number(possibleExtras ?? 0)),
    toldLost: sumInLog(collectorLog, ({ level, readings }) => (Number(level) >= 50 ? Number(readings ?? 0) : 0)),
    records: found.map(({ identity }) => identity),
    archivable: found.flatMap(({ points }) => points),
    predictions: predictions.map(saidByPrediction),
    deadLetters: dead.map(identityOfLetter),
    skips: sumOfCounters(statuses, 'skipped'),
    // A record that no archive can take has its dead letter there, at least once.
    archived: [...(await takePoints(store, stream, identityOf)), ...new Set(unarchivable)],
    points: await takePoints(
      store,
      `${stream}.predictions`,
      (point): Said => ({ identity: identityOf(point), said: saidBy(point.fields) }),
    ),
    deleted: {
      readings: (await deleted(topics.readings)).map((own) => own.map((record) => pointsOf(record).identity)),
      predictions: (await deleted(topics.predictions)).map((own) => own.map(parsed<Prediction>).map(identityOf)),
    },
    ...(line.case.name === 'windows' && {
      windows: await gatherWindows(line, {
        records,
        dead,
        predictions,
        counted: (name) => sumOfCounters(statuses, name),
      }),
    }),
    ...(line.clerk && {
      facts: gatherFacts(line.clerk, {
        ...{ facts: await all(topics.facts), statuses: reports, predictions },
        identities: found.map(({ identity }) => identity),
        counted: (name) => sumOfCounters(statuses, name),
      }),
    }),
  };
}

async function storedIn(log: EventLog, topic: string): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  for await (const records of log.tail([topic], { since: 0, follow: false })) found.push(...records);
  return found;
}

const parsed = <T>({ value }: StoredRecord): T => JSON.parse(Buffer.from(value).toString()) as T;

const identityOfLetter = ({ key, value }: DeadLetter): string =>
  plantedIdentity(key) ?? identityOf(JSON.parse(value) as Identified);

const saidByPrediction = (prediction: Prediction): Said => ({
  identity: identityOf(prediction),
  said: saidBy({ ...prediction, version: prediction.model.version }),
});

interface Identified {
  readonly device: string;
  readonly time: string;
}

/** A record of the readings topic, and the points that the archive makes of it. */
function pointsOf({ key, value }: StoredRecord): { identity: string; points: readonly string[] } {
  const own = plantedIdentity(key);
  if (own !== undefined) return { identity: own, points: [own] };
  const record = decodeRecord(value);
  if (typeof record === 'string') return { identity: record, points: [] };
  const identity = identityOf(record);
  return { identity, points: isSamples(record) ? samplesToPoints(record, 0).map(identityOf) : [identity] };
}

/** The latency tells a label that was committed from one of the same model that was not. */
const saidBy = ({ version, label, latencyMs }: Readonly<Record<string, unknown>>): string =>
  `version ${version}: ${label} after ${latencyMs} ms`;

/** What each classifier that ever ran counted last. */
function sumOfCounters(statuses: readonly Status[], name: string): number {
  const counted = new Map<string, number>();
  for (const { stage, instance, counters } of statuses) {
    if (stage !== 'classifier') continue;
    counted.set(instance, Math.max(counted.get(instance) ?? 0, counters[name] ?? 0));
  }
  return [...counted.values()].reduce((sum, count) => sum + count, 0);
}
