import { recordOfFact } from '../../collector/facts/records.ts';
import type { DateOrder } from '../../core/dataset/time-cell.ts';
import type { EventLog } from '../../core/log/port.ts';
import { decodeFact } from '../../core/wire/decode-fact.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { type Fact, type FactKinds, factKey } from '../../core/wire/fact.ts';
import { readRfc3339 } from '../../core/wire/time.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { readFactsFile, readFactsTable } from '../facts-file.ts';
import { createLogger } from '../logger.ts';
import { openLog, topicSpecs } from '../open.ts';
import { complain, print as printText } from '../print.ts';
import { resolveStream } from '../stream.ts';

export interface FactsOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
}

interface FactsTopic {
  readonly stream: string;
  readonly kinds: FactKinds;
  all(): Promise<Fact[]>;
  tell(facts: readonly Fact[]): Promise<void>;
}

const print = (line: string): void => void printText(`${line}\n`);
/** Facts appended at once. */
const batchSize = 1_000;

async function withFacts(options: FactsOptions, work: (topic: FactsTopic) => Promise<void>): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const logger = await createLogger(options.logLevel);
  const { name, topics, facts: kinds, ...rest } = await resolveStream(loaded);
  if (!kinds) throw noFacts(loaded);
  const log = await openLog({ url: options.log, dataFolder: options.data, logger });
  await log.start();
  try {
    await log.ensureTopics(topicSpecs({ name, topics, facts: kinds, ...rest }, loaded.config));
    await work({
      ...{ stream: name, kinds },
      all: () => lastOfEach(log, topics.facts, name),
      async tell(facts) {
        for (let first = 0; first < facts.length; first += batchSize)
          await log.append(topics.facts, facts.slice(first, first + batchSize).map(recordOfFact), {
            deadlineMs: 30_000,
          });
      },
    });
  } finally {
    await log.stop();
  }
}

/** Of a stream without facts. */
export const noFacts = ({ file }: LoadedConfig) =>
  new GaplineError('config-invalid', `${file}: facts is missing; it names the kinds of facts that the stream takes`);

/** Of each identity the last one, deleted ones left out, in the order in which they begin. */
async function lastOfEach(log: EventLog, topic: string, stream: string): Promise<Fact[]> {
  const last = new Map<string, Fact>();
  for await (const records of log.tail([topic], { since: 0, follow: false }))
    for (const { value } of records) {
      const fact = decodeFact(value);
      if (typeof fact === 'string' || fact.stream !== stream) continue;
      if (fact.values === null) last.delete(factKey(fact));
      else last.set(factKey(fact), fact);
    }
  return [...last.values()].sort((a, b) => (BigInt(a.from) < BigInt(b.from) ? -1 : 1));
}

/** One line a fact, as `POST /facts` takes it. */
export function listFacts(
  options: FactsOptions & { readonly subject?: string; readonly kind?: string },
): Promise<void> {
  return withFacts(options, async ({ all }) => {
    const wanted = ({ subject, kind }: Fact) =>
      (options.subject === undefined || subject === options.subject) &&
      (options.kind === undefined || kind === options.kind);
    const facts = (await all()).filter(wanted);
    for (const { stream: _, received: __, ...fact } of facts) print(JSON.stringify(fact));
    complain(`${facts.length} facts\n`);
  });
}

/** Ends the fact of a kind that holds for a subject. */
export function endFact(
  subject: string,
  kind: string,
  options: FactsOptions & { readonly at?: string },
): Promise<void> {
  const to = options.at === undefined ? `${Date.now()}000000` : readRfc3339(options.at);
  if (to === null)
    throw new GaplineError('config-invalid', `--at ${options.at}: expected RFC 3339, such as 2026-01-31T12:00:00Z`);
  return withFacts(options, async ({ all, tell }) => {
    const open = (await all()).findLast(
      (fact) =>
        fact.subject === subject &&
        fact.kind === kind &&
        BigInt(fact.from) < BigInt(to) &&
        (fact.to === undefined || BigInt(fact.to) > BigInt(to)),
    );
    if (!open)
      throw new GaplineError(
        'not-found',
        `no ${kind} of ${subject} holds then; \`gapline facts list\` shows those there are`,
      );
    await tell([{ ...open, to, received: `${Date.now()}000000` }]);
    print(`${kind} of ${subject} ends`);
  });
}

export interface ImportOptions extends FactsOptions {
  readonly kind?: string;
  readonly subject: string;
  readonly from?: string;
  readonly to?: string;
  readonly value: readonly string[];
  readonly dateOrder: 'dmy' | 'mdy';
  readonly print?: boolean;
}

/** Tells the facts of a file: NDJSON as `POST /facts` takes it, or with `--kind` a table of facts of that kind. */
export function importFacts(file: string, options: ImportOptions): Promise<void> {
  const read = async (stream: string, kinds: FactKinds): Promise<Fact[]> => {
    const { kind } = options;
    if (kind === undefined) return readFactsFile(file, stream, kinds);
    const order: DateOrder = options.dateOrder === 'dmy' ? 'day first' : 'month first';
    const { subject, from, to } = options;
    return readFactsTable(
      file,
      { kind, subject, from, to, values: valueColumns(options.value), dateOrder: order },
      stream,
      kinds,
    );
  };
  if (options.print) return printOnly(options, read);
  return withFacts(options, async ({ stream, kinds, tell }) => {
    const facts = await read(stream, kinds);
    await tell(facts);
    print(`${facts.length} facts told`);
  });
}

async function printOnly(
  options: ImportOptions,
  read: (stream: string, kinds: FactKinds) => Promise<Fact[]>,
): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const { facts: kinds } = loaded.config;
  if (!kinds) throw noFacts(loaded);
  const named = Object.fromEntries(Object.entries(kinds).map(([kind, { values }]) => [kind, values]));
  for (const { stream: _, received: __, ...fact } of await read(loaded.config.stream, named))
    print(JSON.stringify(fact));
}

/** `NAME` or `NAME=COLUMN`. */
function valueColumns(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
