import type { Logger } from 'pino';
import type { EventLog, History, PipeHandlers, Running, Stall, StoredRecord } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import { describeError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { AlertMetrics } from '../metrics.ts';
import { type Rule, ruleOf } from './rule.ts';
import { RuleBook, type RuleDraft, type SavedRules } from './rule-book.ts';

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

/** Runs rules over topics of the log: alerts, offsets and state are committed together, so that a restart neither repeats nor loses one. */
export async function startRulePipe<R extends Rule>(options: RulePipeOptions<R>): Promise<RulePipe> {
  const { stream, log, from, group, alerts, state, rules, metrics, reporter, judge } = options;
  const books = new Map<number, RuleBook<R>>();
  // Not when a partition is assigned: that may be as late as with its first record.
  const startMs = Date.now();

  function judged(book: RuleBook<R>, records: readonly StoredRecord[]): RuleDraft<R> {
    const draft = book.draft();
    const isNew = (record: StoredRecord) => record.arrivedMs >= book.startMs;
    judge(stream, records.every(isNew) ? records : records.filter(isNew), draft);
    return draft;
  }

  /** What the rules of before knew after the last record that they took. */
  async function past(history: History): Promise<SavedRules> {
    const checkpoint = await history.checkpoint();
    if (!checkpoint) return { startMs, rules: [] };
    const saved = readState(checkpoint.state);
    const standing = saved.rules.filter(({ isGone }) => !isGone);
    const rulesOfBefore = standing.map(({ definition }) => ruleOf(definition)).filter(options.isOwn);
    const book = new RuleBook(stream.name, rulesOfBefore, saved, options.maxSubjects);
    for await (const records of history.from(checkpoint.positions)) judged(book, records).commit();
    return book.save();
  }

  async function assigned(partition: number, history: History): Promise<void> {
    books.set(partition, new RuleBook(stream.name, rules, await past(history), options.maxSubjects));
  }

  const transform: PipeHandlers['transform'] = ({ partition, records }) => {
    const book = books.get(partition);
    if (!book) throw new RangeError(`partition ${partition} is not assigned`);
    const draft = judged(book, records);
    const outputs = draft.alerts.map((alert) => ({
      ...{ topic: alerts, key: alert.subject },
      value: Buffer.from(JSON.stringify(alert)),
    }));
    return {
      outputs,
      committed() {
        draft.commit();
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
    { from, group, checkpoints: { topic: state } },
    {
      ...{ assigned, transform, deadLetter: reporter.deadLetter, stalled },
      revoked: (partition) => void books.delete(partition),
      save: (partition) => writeState(books.get(partition)),
      checkpointRefused: (_partition, error) => reporter.noteError(error),
    },
  );
  return {
    failed: running.failed,
    stop: () => running.stop(),
    firing: () => Array.from(books.values(), (book) => book.firing()).reduce((sum, count) => sum + count, 0),
  };
}

const format = 1;

function writeState<R extends Rule>(book: RuleBook<R> | undefined): Uint8Array | undefined {
  return book && Buffer.from(JSON.stringify({ format, ...book.save() }));
}

function readState(bytes: Uint8Array): SavedRules {
  const { format: found, ...saved } = JSON.parse(new TextDecoder().decode(bytes)) as SavedRules & { format: number };
  if (found !== format) throw new RangeError(`the state of the alerts is of format ${found}, not ${format}`);
  return saved;
}
