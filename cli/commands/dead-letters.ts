import type { EventLog, LogRecord } from '../../core/log/port.ts';
import { type DeadLetter, decodeDeadLetter } from '../../core/wire/dead-letter.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { subjectOfKey } from '../../core/wire/fact.ts';
import type { Topics } from '../../core/wire/stream.ts';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { openLog } from '../open.ts';
import { complain, print as printText } from '../print.ts';
import { resolveStream } from '../stream.ts';

export interface DeadLettersOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
}

/** A dead letter, or why the record is none, with its position in the log, `PARTITION/OFFSET`, by which commands name it. */
interface Placed {
  readonly id: string;
  readonly letter: DeadLetter | string;
}

/** Runs some work on a stream's dead letters, oldest first within a partition. */
async function withDeadLetters(
  options: DeadLettersOptions,
  work: (letters: AsyncIterable<Placed>, log: EventLog, topics: Topics) => Promise<void>,
): Promise<void> {
  const logger = await createLogger(options.logLevel);
  const { topics } = await resolveStream(loadConfig(options.config, options.set));
  const log = await openLog({ url: options.log, dataFolder: options.data, logger });
  await log.start();
  try {
    await work(read(log, topics.deadLetters), log, topics);
  } finally {
    await log.stop();
  }
}

async function* read(log: EventLog, topic: string): AsyncIterable<Placed> {
  for await (const records of log.tail([topic], { since: 0, follow: false })) {
    for (const { partition, offset, value } of records) {
      yield { id: `${partition}/${offset}`, letter: decodeDeadLetter(value) };
    }
  }
}

/** Records appended at once. */
const replayBatch = 1_000;

const print = (line: string): void => void printText(`${line}\n`);

/** One line a dead letter: where it is, when, who gave up, where it came from, why. */
export function listDeadLetters(options: DeadLettersOptions): Promise<void> {
  return withDeadLetters(options, async (letters) => {
    let count = 0;
    for await (const { id, letter } of letters) {
      print([id, ...cellsOf(letter).map(oneLine)].join('\t'));
      count += 1;
    }
    complain(`${count} dead letters\n`);
  });
}

function cellsOf(letter: DeadLetter | string): string[] {
  if (typeof letter === 'string') return ['-', '-', '-', '-', notOne(letter)];
  const { at, stage, topic, partition, offset, key, reason } = letter;
  return [at, stage, `${topic}/${partition}/${offset}`, key ?? '-', reason];
}

const notOne = (why: string) => `this record is not a dead letter: ${why}`;

/** All of one dead letter, as JSON. */
export function showDeadLetter(id: string, options: DeadLettersOptions): Promise<void> {
  return withDeadLetters(options, async (letters) => {
    for await (const { id: found, letter } of letters) {
      if (found !== id) continue;
      if (typeof letter === 'string') throw new GaplineError('not-found', `${id}: ${notOne(letter)}`);
      return print(JSON.stringify(letter, null, 2));
    }
    throw notThere(id);
  });
}

/** Appends dead letters once more to the topic that they came from; a stage then takes them as if they were new. */
export function replayDeadLetters(
  ids: readonly string[],
  options: DeadLettersOptions & { all?: boolean },
): Promise<void> {
  if (ids.length === 0 && !options.all) {
    throw new GaplineError(
      'config-invalid',
      'name dead letters as PARTITION/OFFSET, as `gapline deadletters list` shows them, or --all',
    );
  }
  return withDeadLetters(options, async (letters, log, topics) => {
    const wanted = new Set(ids);
    let held: { topic: string; record: LogRecord }[] = [];
    let count = 0;
    const flush = async () => {
      for (const [topic, of] of Map.groupBy(held, (each) => each.topic)) {
        await log.append(
          topic,
          of.map(({ record }) => record),
          { deadlineMs: 30_000 },
        );
      }
      count += held.length;
      held = [];
    };
    for await (const { id, letter } of letters) {
      if (!options.all && !wanted.delete(id)) continue;
      if (typeof letter === 'string') {
        complain(`${id}: ${notOne(letter)}; it was left out\n`);
        continue;
      }
      if (letter.cut) {
        complain(`${id}: ${onlyBeginning(letter)}; it was left out\n`);
        continue;
      }
      const { topic, key, value, encoding } = letter;
      const record = { key, value: Buffer.from(value, encoding) };
      // The log stores no partitioning key; that of a fact is its subject.
      const isFact = topic === topics.facts && key !== null;
      held.push({ topic, record: isFact ? { ...record, partitionKey: subjectOfKey(key) } : record });
      if (held.length === replayBatch) await flush();
    }
    await flush();
    print(`${count} records appended again`);
    const [missing] = wanted;
    if (missing !== undefined) throw notThere(missing);
  });
}

const onlyBeginning = ({ topic, partition, offset }: DeadLetter) =>
  `this dead letter holds only the beginning of its record, which stands whole at ${topic}/${partition}/${offset}`;

const notThere = (id: string) =>
  new GaplineError('not-found', `there is no dead letter ${id}; \`gapline deadletters list\` shows those there are`);
