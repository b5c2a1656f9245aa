import type { Logger } from 'pino';
import type { EventLog, History, PipeHandlers, Running, Stall, StoredRecord } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { AlertMetrics } from '../metrics.ts';
import type { TakenRecords } from '../taken.ts';
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
  async function past(history: History): Promise<SavedRules> {
    const checkpoint = await history.checkpoint();
    if (!checkpoint) return { startMs, rules: [] };
    const saved = decodeRules(checkpoint.state);
    const standing = saved.rules.filter(({ isGone }) => !isGone);
    const rulesOfBefore = standing.map(({ definition }) => ruleOf(definition)).filter(options.isOwn);
    const book = new RuleBook(stream.name, rulesOfBefore, saved, options.maxSubjects);
    let isReplayed = false;
    for await (const records of history.from(checkpoint.positions)) {
      judged(book, records, isReplayed).commit();
      isReplayed = true;
    }
    return book.save();
  }

  async function assigned(partition: number, history: History): Promise<void> {
    books.set(partition, new RuleBook(stream.name, rules, await past(history), options.maxSubjects));
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
