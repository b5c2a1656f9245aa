import type { Logger } from 'pino';
import type { EventLog, History, PipeHandlers, Positions, Running, Stall, StoredRecord } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { AlertMetrics } from '../metrics.ts';
import { isUpTo, type Mark, type TakenRecords } from '../taken.ts';
import { type Rule, ruleOf } from './rule.ts';
import { RuleBook, type RuleDraft } from './rule-book.ts';
import { decodeRules, encodeRules, type SavedRules } from './saved.ts';

export interface RulePipeOptions<R extends Rule> {
  readonly stream: Stream;
  readonly log: EventLog;
  readonly logger: Logger;
  readonly reporter: Reporter;
  readonly metrics: AlertMetrics;
  /** What the rules read, and the group that reads it. */
  readonly from: readonly string[];
  readonly group: string;
  /** Where alerts go, and where the state is kept. */
  readonly alerts: string;
  readonly state: string;
  /** Whether the state does not depend on how the inputs alternate. */
  readonly inAnyOrder?: boolean;
  /** What arrived before the group's first start raises nothing. */
  readonly startMs: number;
  /** Nor does what the group had taken before its offsets expired. */
  readonly taken: TakenRecords;
  readonly rules: readonly R[];
  readonly isOwn: (rule: Rule) => rule is R;
  /** Subjects of a rule in a partition, at most. */
  readonly maxSubjects?: number;
  judge(stream: Stream, records: readonly StoredRecord[], draft: RuleDraft<R>): void;
}

export interface RulePipe extends Running {
  /** Alerts that fire now, in the partitions of this member. */
  firing(): number;
}

/**
 * Alerts of one transaction, at most about so many: each rule may raise one with each record.
 */
const mostOfBatch = 5_000;
/** The state of rules on silent devices is large, and a replay of what follows a checkpoint is quick. */
const rarely = { everyRecords: 500_000, everyMs: 60_000 };

/** Runs rules over topics of the log: alerts, offsets and state are committed together, so that a restart neither repeats nor loses one. */
export async function startRulePipe<R extends Rule>(options: RulePipeOptions<R>): Promise<RulePipe> {
  const { stream, log, from, group, alerts, state, startMs, rules, metrics, reporter, judge, taken } = options;
  const books = new Map<number, RuleBook<R>>();

  function judged(book: RuleBook<R>, records: readonly StoredRecord[], isReplayed = false): RuleDraft<R> {
    const draft = book.draft(isReplayed);
    const isNew = (record: StoredRecord) => record.arrivedMs >= book.startMs;
    judge(stream, records.every(isNew) ? records : records.filter(isNew), draft);
    return draft;
  }

  /** What the rules of before knew after the last record that they took. */
  async function past(partition: number, history: History): Promise<SavedRules> {
    const marks = marksOf(partition, history.committed);
    // What it lacks may be deleted by now; an alert that fires is known none the less.
    const checkpoint = await history.checkpoint({ approximate: marks.size > 0 });
    const isUsed = checkpoint && [...checkpoint.positions].every(([topic, at]) => at <= knownTo(marks, topic, history));
    const saved = isUsed ? decodeRules(checkpoint.state) : { startMs, rules: [] };
    const standing = saved.rules.filter(({ isGone }) => !isGone);
    const rulesOfBefore = standing.map(({ definition }) => ruleOf(definition)).filter(options.isOwn);
    const book = new RuleBook(stream.name, rulesOfBefore, saved, options.maxSubjects);
    if (!isUsed) return book.save();
    let isReplayed = false;
    const replay = (records: readonly StoredRecord[]) => {
      judged(book, records, isReplayed).commit();
      isReplayed = true;
    };
    for await (const records of history.from(checkpoint.positions)) replay(records);
    for (const [topic, mark] of marks) {
      const next = later(checkpoint.positions.get(topic) ?? 0n, history.committed.get(topic) ?? 0n);
      for await (const records of takenFrom(log, { topic, partition, next }, mark)) replay(records);
    }
    return book.save();
  }

  /** By topic, how far the group had come by its own record of it, which Kafka does not forget. Rules on silence begin again with the readings there are. */
  function marksOf(partition: number, committed: Positions): ReadonlyMap<string, Mark> {
    if (from.includes(stream.topics.readings)) return new Map();
    const known = Array.from(committed.keys(), (topic) => {
      const mark = taken.markOf(group, { topic, partition });
      return mark === undefined ? [] : [[topic, mark] as const];
    });
    return new Map(known.flat());
  }

  async function assigned(partition: number, history: History): Promise<void> {
    books.set(partition, new RuleBook(stream.name, rules, await past(partition, history), options.maxSubjects));
  }

  /** Readings only tell when a device was heard, and a rule on silence needs them where its state is gone. */
  const wasTaken = (record: StoredRecord) => record.topic !== stream.topics.readings && taken.wasTaken(group, record);

  const transform: PipeHandlers['transform'] = ({ partition, records }) => {
    const book = books.get(partition);
    if (!book) throw new RangeError(`partition ${partition} is not assigned`);
    const draft = judged(
      book,
      records.filter((record) => !wasTaken(record)),
    );
    const last = records.at(-1);
    const outputs = draft.alerts.map((alert) => ({
      ...{ topic: alerts, key: alert.subject },
      value: Buffer.from(JSON.stringify(alert)),
    }));
    return {
      outputs,
      committed() {
        draft.commit();
        if (last && last.topic !== stream.topics.readings) taken.note(group, last);
        for (const alert of draft.alerts) metrics.changed(alert.state);
        if (draft.leftOut === 0) return;
        metrics.leftOut(draft.leftOut);
        reporter.noteError(`partition ${partition}: too many subjects for a rule, ${draft.leftOut} are not watched`);
      },
    };
  };

  const stalled = ({ topic, partition, error }: Stall) =>
    reporter.noteError(`${topic}/${partition}: ${describeError(error)}`);
  const running = await log.pipe(
    {
      ...{ from, group, maxBatch: Math.max(100, Math.floor(mostOfBatch / rules.length)) },
      checkpoints: { topic: state, ...(options.inAnyOrder && { ...rarely, inAnyOrder: true }) },
    },
    {
      ...{ assigned, transform, deadLetter: reporter.deadLetter, stalled },
      revoked: (partition) => void books.delete(partition),
      save(partition) {
        const book = books.get(partition);
        return book && encodeRules(book.save());
      },
      checkpointNow: (partition) => books.get(partition)?.isPartial ?? false,
      checkpointRefused: (_partition, error) => reporter.noteError(error),
    },
  );
  return {
    failed: running.failed,
    stop: () => running.stop(),
    firing: () => Array.from(books.values(), (book) => book.firing()).reduce((sum, count) => sum + count, 0),
  };
}

const later = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Behind the last record that the group is known to have taken: a checkpoint beyond it may be of a topic that was made anew. */
const knownTo = (marks: ReadonlyMap<string, Mark>, topic: string, { committed }: History): bigint =>
  later(committed.get(topic) ?? 0n, (marks.get(topic)?.offset ?? -1n) + 1n);

/** What a group had taken of a partition, from an offset up to its mark. */
async function* takenFrom(
  log: EventLog,
  { topic, partition, next }: Pick<StoredRecord, 'topic' | 'partition'> & { readonly next: bigint },
  mark: Mark,
): AsyncGenerator<readonly StoredRecord[]> {
  if (next > mark.offset) return;
  const after = new Map([[topic, new Map([[partition, next - 1n]])]]);
  for await (const records of log.tail([topic], { since: 'now', after, follow: false })) {
    const own = records.filter((record) => record.partition === partition && isUpTo(record, mark));
    if (own.length > 0) yield own;
    if (records.some((record) => record.partition === partition && record.offset >= mark.offset)) return;
  }
}
