import type { z } from 'zod';
import type { StoredRecord } from '../../core/log/port.ts';
import { decodeDeadLetter } from '../../core/wire/dead-letter.ts';
import { decodeFact } from '../../core/wire/decode-fact.ts';
import { decodeRecord, isSamples } from '../../core/wire/decode-samples.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { subjectOfKey } from '../../core/wire/fact.ts';
import { predictionSchema } from '../../core/wire/prediction.ts';
import { statusSchema } from '../../core/wire/status.ts';
import type { Topics } from '../../core/wire/stream.ts';
import { formatRfc3339 } from '../../core/wire/time.ts';
import { validate } from '../../core/wire/validate.ts';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { openLog } from '../open.ts';
import { complain, writeLines } from '../print.ts';
import { readSince } from '../since.ts';
import { resolveStream } from '../stream.ts';
import { noFacts } from './facts.ts';

export type Tailed = 'readings' | 'predictions' | 'deadletters' | 'facts' | 'shadow' | 'status';

export interface TailOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
  readonly device?: string;
  /** A time of arrival, or how long ago; default: now. */
  readonly since?: string;
  readonly follow: boolean;
  readonly json?: boolean;
  readonly count?: number;
}

/** Prints what one topic of a stream holds, record by record as it arrives, until a signal, `count`, or the reader goes away. */
export async function tailTopic(what: Tailed, options: TailOptions): Promise<void> {
  const { device, follow, json = false, count = Number.POSITIVE_INFINITY } = options;
  if (device !== undefined && what === 'status')
    throw new GaplineError('config-invalid', '--device: the status is of stages, not of devices');
  const nowMs = Date.now();
  const since = options.since === undefined ? (follow ? 'now' : 0) : readSince('--since', options.since, nowMs);
  const loaded = loadConfig(options.config, options.set);
  const { topics, facts } = await resolveStream(loaded);
  if (what === 'facts' && !facts) throw noFacts(loaded);
  const log = await openLog({
    url: options.log,
    dataFolder: options.data,
    logger: await createLogger(options.logLevel),
  });
  const ending = endOfReading();
  await log.start();
  try {
    let printed = 0;
    for await (const records of log.tail([topicOf(topics, what)], { since, follow, signal: ending.signal })) {
      const wanted = records
        .filter((record) => device === undefined || deviceOf(what, record) === device)
        .slice(0, count - printed);
      const isRead = await writeLines(wanted.map((record) => (json ? jsonOf(record) : lineOf(what, record))));
      printed += wanted.length;
      if (printed >= count || !isRead) break;
    }
  } finally {
    ending.dispose();
    await log.stop();
  }
}

/** Aborted by a signal, and where nobody reads the output any more. */
function endOfReading() {
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end);
  return {
    signal: ending.signal,
    dispose: () => {
      process.off('SIGINT', end).off('SIGTERM', end);
      process.stdout.off('error', end);
    },
  };
}

const topicOf = (topics: Topics, what: Tailed): string => (what === 'deadletters' ? topics.deadLetters : topics[what]);

/** The key of a fact holds more than the device that it is about. */
const deviceOf = (what: Tailed, { key }: StoredRecord): string | null =>
  what === 'facts' && key !== null ? subjectOfKey(key) : key;

const decoder = new TextDecoder();

/** A record as one line of JSON; one that is no JSON as a line that says so. */
function jsonOf({ partition, offset, value }: StoredRecord): string {
  const text = decoder.decode(value);
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    complain(`the record ${partition}/${offset} is not JSON; its text is printed as a string\n`);
    return JSON.stringify(text);
  }
}

function lineOf(what: Tailed, record: StoredRecord): string {
  return linesOf[what](record).map(oneLine).join('\t');
}

const unreadable = ({ partition, offset }: StoredRecord, why: string): string[] => [
  `${partition}/${offset}`,
  `unreadable: ${why}`,
];

const linesOf: Readonly<Record<Tailed, (record: StoredRecord) => string[]>> = {
  readings: readingCells,
  predictions: predictionCells,
  shadow: predictionCells,
  deadletters(record) {
    const letter = decodeDeadLetter(record.value);
    if (typeof letter === 'string') return unreadable(record, letter);
    return [letter.at, letter.key ?? '-', letter.stage, letter.reason];
  },
  facts(record) {
    const fact = decodeFact(record.value);
    if (typeof fact === 'string') return unreadable(record, fact);
    const { subject, kind, from, to, values } = fact;
    const until = to === undefined ? 'on' : `to ${formatRfc3339(to)}`;
    const named = Object.entries(values ?? {}).map(([name, value]) => `${name}=${value}`);
    return [subject, kind, `from ${formatRfc3339(from)} ${until}`, values ? named.join(' ') : 'deleted'];
  },
  status(record) {
    const status = parse(statusSchema, record);
    if (!status) return unreadable(record, 'it is no status');
    const { at, stage, instance, counters, lag, lastError } = status;
    const figures = Object.entries(counters).map(([name, count]) => `${name}=${count}`);
    return [
      at,
      stage,
      instance,
      [...figures, ...(lag === undefined ? [] : [`lag=${lag}`])].join(' '),
      ...(lastError ? [`last error ${lastError.at}: ${lastError.message}`] : []),
    ];
  },
};

function readingCells(record: StoredRecord): string[] {
  const reading = decodeRecord(record.value);
  if (typeof reading === 'string') return unreadable(record, reading);
  const truth = reading.truth === undefined ? [] : [`truth ${reading.truth}`];
  const head = [formatRfc3339(reading.time), reading.device];
  if (isSamples(reading)) {
    const channels = Object.entries(reading.values).map(([name, { length }]) => `${name}[${length}]`);
    return [...head, `${reading.rate} samples/s`, channels.join(' '), ...truth];
  }
  const values = Object.entries(reading.values).map(([name, value]) => `${name}=${value}`);
  return [...head, values.join(' '), ...truth];
}

function predictionCells(record: StoredRecord): string[] {
  const prediction = parse(predictionSchema, record);
  if (!prediction) return unreadable(record, 'it is no prediction');
  const { device, time, label, probability, gaps, truth } = prediction;
  return [
    formatRfc3339(time),
    device,
    label,
    `${(probability * 100).toFixed(1)} %`,
    `${gaps} gaps`,
    ...(truth === undefined ? [] : [`truth ${truth}`]),
  ];
}

function parse<T>(schema: z.ZodType<T>, { value }: StoredRecord): T | undefined {
  try {
    return validate(schema, JSON.parse(decoder.decode(value))).data;
  } catch {
    return undefined;
  }
}
