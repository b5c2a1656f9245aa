import type { Session } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import type { FactTable, IsForgotten } from '../../core/steps/facts/table.ts';
import type { ReadingBatch } from '../decode.ts';
import type { PreparedRows } from '../prepared-rows.ts';
import { PartitionSteps } from '../steps/partition-steps.ts';
import type { StreamModel } from '../stream-model.ts';

/** A model version at work on one partition. */
export interface ModelSession {
  readonly streamModel: StreamModel;
  readonly session: Session;
  /** What makes its rows of readings; undefined where a reading is a row. */
  readonly steps: PartitionSteps | undefined;
}

/** @param facts - of its partition; a session that is warmed up has a table of its own */
export function openModelSession(streamModel: StreamModel, facts?: FactTable): ModelSession {
  const { model, columns } = streamModel;
  return { streamModel, session: model.open(), steps: model.steps && new PartitionSteps(model.steps, columns, facts) };
}

/** Readings as the rows of a model. Pure but for `committed` of what it returns. */
export function prepare({ streamModel, steps }: ModelSession, readings: ReadingBatch): PreparedRows {
  if (steps) return readings.facts.length > 0 ? steps.release(readings.facts) : steps.apply(readings);
  return { rows: streamModel.project(readings.rows()), origins: readings, outcomes: [], committed: () => {} };
}

/**
 * Takes readings into the state without labelling them: those of the past, and those whose rows the model refused. Undefined, with
 * nothing changed, where a step cannot take them, which is the same at every replay.
 */
export function absorb(modelSession: ModelSession, readings: ReadingBatch): PreparedRows | undefined {
  try {
    const prepared = prepare(modelSession, readings);
    modelSession.session.warm(prepared.rows);
    prepared.committed();
    return prepared;
  } catch {
    return undefined;
  }
}

/** Whether none of the sessions can need a fact any more. False where none needs any: one may come that does. */
export function forgottenBy(sessions: readonly ModelSession[]): IsForgotten {
  const needing = sessions.flatMap(({ steps }) => (steps?.needsFacts ? [steps] : []));
  return (subject, end) => needing.length > 0 && needing.every((steps) => steps.isForgotten(subject, end));
}

/** Whether a session has anything to lose when its partition changes hands. */
export const remembers = ({ streamModel: { model }, steps }: ModelSession): boolean =>
  steps !== undefined || model.memoryMs > 0;

/** Rows that were committed while the next session was warmed up. */
interface CommittedRows {
  readonly lastOffset: bigint;
  /** In the stream's columns. */
  readonly rows: Rows;
}

interface Next {
  /** Undefined where the slot is to be empty. */
  readonly session: ModelSession | undefined;
  readonly kept: CommittedRows[];
  keptRows: number;
  ready: boolean;
}

export interface ModelSlotEvents {
  /** The slot released a session: its model version may be unused now. */
  readonly released: () => void;
  /** The next session could not take the rows that were kept for it; the present one stays. */
  readonly failed: (error: unknown) => void;
  /** Whether a session that is replaced by one with other steps still completes the rows that have begun. */
  readonly finishes?: boolean;
  /** A session that was replaced completed the rows that had begun. */
  readonly finished?: (session: ModelSession) => void;
  /** A session was given up before the rows that had begun under it were complete. */
  readonly unfinished?: (session: ModelSession, why: string) => void;
}

/** More versions than this do not complete rows at a time; the oldest is given up. */
const maxFinishing = 4;

/** Beyond so many rows or values the oldest of what was committed during a warm-up is forgotten. */
const maxKeptRows = 20_000;
const maxKeptValues = 1_000_000;

/**
 * Holds the model session of one partition in one role. Another session replaces it between two batches, once its state is restored:
 * what was committed before the change is read from the log; what is committed in the meantime is kept here and replayed last.
 */
export class ModelSlot {
  readonly #events: ModelSlotEvents;
  #current: ModelSession | undefined;
  #next: Next | undefined;
  /** The sessions before, oldest first, while rows that had begun under them are not complete. */
  #finishing: readonly ModelSession[];
  /** Another session took over since the last batch was committed. */
  #changed = false;
  /** A batch was taken and is not committed yet. */
  #batchUnderWay = false;
  /** Since when the partition is known to have no record that was not taken. */
  #quietSinceMs: number | undefined;

  constructor(first: ModelSession | undefined, events: ModelSlotEvents, finishing: readonly ModelSession[] = []) {
    this.#current = first;
    this.#events = events;
    this.#finishing = finishing;
  }

  get current(): ModelSession | undefined {
    return this.#current;
  }

  /** The sessions before the present one that complete what had begun under them, oldest first. */
  get finishing(): readonly ModelSession[] {
    return this.#finishing;
  }

  /** Whether another session took over since the last batch: no replay of readings gives that. */
  get changed(): boolean {
    return this.#changed;
  }

  /** A session before the present one cannot complete what had begun under it. */
  giveUp(session: ModelSession, why: string): void {
    this.#finishing = this.#finishing.filter((each) => each !== session);
    this.#changed = true;
    this.#events.unfinished?.(session, why);
    this.#events.released();
  }

  /**
   * The partition had no record left when the log was asked; or, without a time, that is not known. Event time stands still where nobody
   * sends: what had begun under earlier versions is then given up after as long a time by the clock. Records that wait in the log, as
   * after an outage, are always taken first.
   * @param nowMs - of a clock that is never set
   */
  quiet(nowMs: number | undefined): void {
    if (nowMs === undefined || this.#batchUnderWay || this.#finishing.length === 0) {
      this.#quietSinceMs = undefined;
      return;
    }
    this.#quietSinceMs ??= nowMs;
    const quietNs = (nowMs - this.#quietSinceMs) * 1e6;
    for (const session of this.#finishing)
      if (quietNs > (session.steps?.abandonAfterNs ?? 0))
        this.giveUp(session, 'all devices of the partition fell silent');
  }

  /** Whether the present session or the next one is of this version. */
  uses(streamModel: StreamModel): boolean {
    return [this.#current, ...this.#finishing, this.#next?.session].some(
      (session) => session?.streamModel === streamModel,
    );
  }

  /** Starts a change of session; one that was under way is given up. */
  prepare(session: ModelSession | undefined): void {
    this.#next = { session, kept: [], keptRows: 0, ready: false };
  }

  /** The next session knows everything before this offset. It takes over now, or after the batch under way. */
  ready(session: ModelSession | undefined, before: bigint): void {
    const next = this.#next;
    if (!next || next.session !== session) return;
    next.ready = true;
    next.kept.splice(0, next.kept.length, ...next.kept.filter(({ lastOffset }) => lastOffset >= before));
    if (!this.#batchUnderWay) this.#swap();
  }

  /** The session that labels the next batch. */
  take(): ModelSession | undefined {
    this.#swap();
    this.#batchUnderWay = true;
    this.#quietSinceMs = undefined;
    return this.#current;
  }

  /** The batch is committed. The readings may be used again by the caller. */
  committed(readings: Pick<ReadingBatch, 'rows'>, lastOffset: bigint | undefined): void {
    this.#batchUnderWay = false;
    this.#changed = false;
    if (this.#finishing.length > 0) this.#settleFinishing();
    if (this.#next && lastOffset !== undefined) keep(this.#next, readings, lastOffset);
    this.#swap();
  }

  #settleFinishing(): void {
    for (const session of this.#finishing) {
      if (session.steps?.isAbandoned) this.giveUp(session, 'the devices whose windows are open fell silent');
      if (!session.steps?.isFinished || !this.#finishing.includes(session)) continue;
      this.#finishing = this.#finishing.filter((each) => each !== session);
      this.#events.finished?.(session);
      this.#events.released();
    }
  }

  /** With other steps, the session before completes the windows that have begun, and this one starts with the next. */
  #succeed(next: ModelSession | undefined): void {
    const before = this.#current;
    this.#current = next && inherit(next, before);
    this.#changed = true;
    if (!before?.steps || this.#current?.steps === before.steps || !this.#events.finishes) return;
    const changedAt = before.steps.finish();
    this.#current?.steps?.startAfter(changedAt, before.steps);
    // A partition without devices may get no batch that would show it.
    if (before.steps.isFinished) {
      this.#events.finished?.(before);
      return;
    }
    this.#finishing = [...this.#finishing, before];
    const [oldest] = this.#finishing;
    if (oldest && this.#finishing.length > maxFinishing) this.giveUp(oldest, 'too many versions followed it before');
  }

  #swap(): void {
    const next = this.#next;
    if (!next?.ready) return;
    this.#next = undefined;
    try {
      for (const { rows } of next.kept) next.session?.session.warm(next.session.streamModel.project(rows));
      this.#succeed(next.session);
    } catch (error) {
      this.#events.failed(error);
    }
    this.#events.released();
  }
}

/** With the same steps, what the session before remembers is what the next one would: windows that are open stay open. */
function inherit(next: ModelSession, before: ModelSession | undefined): ModelSession {
  if (!next.steps || !before?.steps || next.steps.signature !== before.steps.signature) return next;
  const past = before.session.memory?.save();
  if (past && next.session.memory) next.session.memory.load(past);
  return { ...next, steps: before.steps };
}

/** Keeps a copy of committed rows for a session that has to remember them. */
function keep(next: Next, readings: Pick<ReadingBatch, 'rows'>, lastOffset: bigint): void {
  if (!next.session || next.session.steps || next.session.streamModel.model.memoryMs === 0) return;
  const rows = readings.rows();
  if (rows.count === 0) return;
  next.kept.push({ lastOffset, rows: { ...rows, values: rows.values.slice(), times: rows.times.slice() } });
  next.keptRows += rows.count;
  const most = Math.min(maxKeptRows, maxKeptValues / rows.width);
  while (next.keptRows > most && next.kept.length > 1) {
    const oldest = next.kept.shift();
    if (oldest) next.keptRows -= oldest.rows.count;
  }
}
