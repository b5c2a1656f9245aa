import { pino } from 'pino';
import { createKafkaLog } from '../../core/log/kafka.ts';
import { type EventLog, totalLag } from '../../core/log/port.ts';
import { createInfluxStore } from '../../core/store/influxdb.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import type { DeadLetter } from '../../core/wire/dead-letter.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Status } from '../../core/wire/status.ts';
import { identities, identityOf, ledgerIdentities, takePoints, takeRecords } from '../line/identities.ts';
import type { Evidence, Said } from './check.ts';
import { sumInLog } from './parts.ts';
import type { Stack } from './stack.ts';

const topics = {
  readings: 'spam_data',
  predictions: 'spam_predictions',
  deadLetters: 'spambase.deadletters',
  status: 'spambase.status',
};
const logger = pino({ level: 'silent' });

/** Reads what is in log and store, beside the proxies. */
export interface Inquiry {
  /** How far archive and classifiers are behind. */
  lag(): Promise<number>;
  gather(): Promise<Evidence>;
  stop(): Promise<void>;
}

export async function inquire(stack: Stack): Promise<Inquiry> {
  const log = createKafkaLog({ url: stack.kafkaUrl, logger });
  const store = createInfluxStore({ ...stack.influxdb, logger });
  await Promise.all([log.start(), store.start()]);
  return {
    async lag() {
      const groups = await Promise.all(
        ['spambase.archive', 'spambase.classifier'].map((group) => log.lag(group, [topics.readings])),
      );
      return totalLag(groups.flat());
    },
    gather: () => gather(stack, log, store),
    async stop() {
      await Promise.all([log.stop(), store.stop()]);
    },
  };
}

async function gather(stack: Stack, log: EventLog, store: SeriesStore): Promise<Evidence> {
  const { witness, excused, parts, ledger } = stack;
  const collectorLog = parts.collector.logFile;
  return {
    acknowledged: new Set([...witness.acknowledged, ...ledgerIdentities(ledger)]),
    sent: witness.sent,
    resent: witness.resent,
    excused,
    possibleExtras: sumInLog(collectorLog, ({ possibleExtras }) => Number(possibleExtras ?? 0)),
    toldLost: sumInLog(collectorLog, ({ level, readings }) => (Number(level) >= 50 ? Number(readings ?? 0) : 0)),
    records: await takeRecords(log, topics.readings, identityOf),
    predictions: await takeRecords(log, topics.predictions, (prediction: Prediction) => ({
      identity: identityOf(prediction),
      said: saidBy({ ...prediction, version: prediction.model.version }),
    })),
    deadLetters: await deadLettersOf(log),
    skips: await skipsOf(log),
    archived: await takePoints(store, 'spambase', identityOf),
    points: await takePoints(
      store,
      'spambase.predictions',
      (point): Said => ({ identity: identityOf(point), said: saidBy(point.fields) }),
    ),
  };
}

interface Identified {
  readonly device: string;
  readonly time: string;
}

/** The latency tells a label that was committed from one of the same model that was not. */
const saidBy = ({ version, label, latencyMs }: Readonly<Record<string, unknown>>): string =>
  `version ${version}: ${label} after ${latencyMs} ms`;

/** Those of the classifier: the archive's stand for points, not for labels. */
async function deadLettersOf(log: EventLog): Promise<string[]> {
  const all = await takeRecords(log, topics.deadLetters, (letter: DeadLetter) => letter);
  const own = all.filter(({ stage }) => stage === 'classifier');
  return identities(own.map(({ value }) => JSON.parse(value) as Identified));
}

/** What each classifier that ever ran counted last. */
async function skipsOf(log: EventLog): Promise<number> {
  const counted = new Map<string, number>();
  for (const { stage, instance, counters } of await takeRecords(log, topics.status, (status: Status) => status)) {
    if (stage !== 'classifier') continue;
    counted.set(instance, Math.max(counted.get(instance) ?? 0, counters.skipped ?? 0));
  }
  return [...counted.values()].reduce((sum, skipped) => sum + skipped, 0);
}
