import type { Logger } from 'pino';
import type { Backoff } from '../retry/backoff.ts';
import { GaplineError } from '../wire/errors.ts';
import { createPartitioner } from './partition.ts';
import {
  AppendError,
  type DrainOptions,
  type EventLog,
  groupActive,
  type LogRecord,
  type Output,
  type PartitionLag,
  type PipeHandlers,
  type PipeOptions,
  type RewindOptions,
  type Rewound,
  type Running,
  type Sink,
  type StoredRecord,
  type TailOptions,
  type TopicSpec,
} from './port.ts';
import { defaultBackoff } from './retry-policy.ts';
import { sinkAsHandlers } from './sink.ts';
import { Batches } from './sqlite/batches.ts';
import { Blocks } from './sqlite/blocks.ts';
import { closeDatabase, openDatabase } from './sqlite/database.ts';
import { Ends } from './sqlite/ends.ts';
import { coPartitioned, type SqliteEngine, share, sizeOfAll } from './sqlite/engine.ts';
import { inTermsOfLog } from './sqlite/errors.ts';
import { startMember } from './sqlite/member.ts';
import { keepMerging } from './sqlite/merging.ts';
import { Offsets } from './sqlite/offsets.ts';
import { keepPacking, type PackingOptions } from './sqlite/packing.ts';
import { sizeOf } from './sqlite/reading.ts';
import { Records } from './sqlite/records.ts';
import { keepRetention } from './sqlite/retention.ts';
import { planRewind, rewind } from './sqlite/rewind.ts';
import { tail } from './sqlite/tail.ts';
import { type Partition, Topics } from './sqlite/topics.ts';
import { WriteAheadLog } from './sqlite/write-ahead-log.ts';
import { SqliteWriter } from './sqlite/writer.ts';

/** The most bytes of records that may wait to be written. */
const maxWaitingBytes = 64 << 20;
/** An append larger than this is split, so that no transaction blocks the event loop for long. */
const maxAppendBytes = 2 << 20;
/** How long making topics and groups waits for another process that writes. */
const ensureMs = 10_000;

export interface SqliteLogOptions {
  /** Made if it is missing. Other processes may use it at the same time, and the store may live in it too. */
  readonly file: string;
  readonly logger: Logger;
  /** How often the retention deletes what is too old or too much. Default 30 s. */
  readonly retentionCheckMs?: number;
  /** How records are packed in the background: docs/decisions/0018-blocks-of-the-log.md. False: as quickly as can be. */
  readonly packing?: PackingOptions | false;
  /** How long a consumer that stops waits for the batches in hand. Default 8 s. */
  readonly graceMs?: number;
  readonly backoff?: Backoff;
}

/** The embedded engine: the log in one SQLite file, shared by the processes of one machine. */
export function createSqliteLog(options: SqliteLogOptions): EventLog {
  return new SqliteLog(options);
}

class SqliteLog implements EventLog {
  readonly #options: SqliteLogOptions;
  readonly #stopping = new AbortController();
  readonly #members = new Set<Running>();
  #opened: SqliteEngine | undefined;
  #background: Promise<unknown> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SqliteLogOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { file, logger, retentionCheckMs = 30_000, packing = {} } = this.#options;
    const db = await openDatabase(file);
    const blocks = new Blocks(db, file);
    const batches = new Batches(db, file);
    const records = new Records(db, file, { blocks, batches });
    const ends = new Ends(
      db,
      () => batches.refresh(),
      (error) => logger.error({ err: error }, 'The log cannot be read'),
    );
    const wal = new WriteAheadLog(db);
    const writer = new SqliteWriter({
      db,
      file,
      maxWaitingBytes,
      finish: () => records.finish(),
      sync: () => wal.sync(),
      committed: () => ends.moved(records.committed()),
      undone: () => records.undone(),
    });
    const parts = { topics: new Topics(db), offsets: new Offsets(db), partitionOf: createPartitioner() };
    this.#opened = { file, logger, db, records, blocks, batches, ends, wal, writer, ...parts };
    ends.start();
    const { signal } = this.#stopping;
    this.#background = Promise.all([
      keepRetention(this.#opened, retentionCheckMs, signal),
      packing && keepPacking(this.#opened, packing, signal),
      keepMerging(this.#opened, packing || { quick: true }, signal),
    ]);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => member.stop()));
    this.#stopping.abort();
    if (!this.#opened) return;
    const { db, ends, wal, writer } = this.#opened;
    await this.#background;
    await writer.drained();
    this.#opened = undefined;
    ends.stop();
    wal.close();
    closeDatabase(db);
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const engine = this.#engine();
    const deadline = performance.now() + ensureMs;
    const ensured = topics.map((topic) =>
      engine.writer.submit({
        bytes: 0,
        deadline,
        run: () => {
          engine.topics.ensure(topic);
          engine.records.forgetEnds();
        },
      }),
    );
    await Promise.all(ensured);
  }

  async append(topic: string, records: readonly LogRecord[], { deadlineMs }: { deadlineMs: number }): Promise<void> {
    const engine = this.#engine();
    const deadline = performance.now() + deadlineMs;
    for (let done = 0; done < records.length; ) {
      const part = partOf(records, done);
      try {
        await this.#appendPart(engine, topic, part, deadline);
      } catch (error) {
        throw asAppendError(error, done > 0);
      }
      done += part.length;
    }
  }

  async #appendPart(engine: SqliteEngine, topic: string, part: readonly LogRecord[], deadline: number): Promise<void> {
    const shares = share(engine.topics.partitions(topic), part, engine.partitionOf);
    await engine.writer.submit({
      bytes: sizeOfAll(part),
      deadline,
      run: () => {
        for (const { partition, records } of shares) engine.records.append(partition.id, records);
      },
    });
  }

  async pipe(options: PipeOptions, handlers: PipeHandlers): Promise<Running> {
    const engine = this.#engine();
    const inputs = this.#reading(() => coPartitioned(options.from, (topic) => engine.topics.partitions(topic)));
    await engine.writer.submit({
      bytes: 0,
      deadline: performance.now() + ensureMs,
      run: () => {
        for (const partition of inputs.flat()) engine.offsets.register(options.group, partition);
      },
    });
    const { backoff = defaultBackoff, graceMs = 8_000 } = this.#options;
    const member = startMember({ ...options, engine, handlers, backoff, graceMs });
    this.#members.add(member);
    return {
      failed: member.failed,
      stop: () => member.stop().finally(() => this.#members.delete(member)),
    };
  }

  drain(
    options: DrainOptions,
    sink: Sink,
    rejected: (record: StoredRecord, reason: unknown, maxBytes?: number) => Output,
  ): Promise<Running> {
    return this.pipe(options, sinkAsHandlers(sink, rejected, options.stalled));
  }

  tail(topics: readonly string[], options: TailOptions): AsyncIterable<readonly StoredRecord[]> {
    const signals = [this.#stopping.signal, ...(options.signal ? [options.signal] : [])];
    const engine = this.#engine();
    return this.#reading(() => tail(engine, topics, options, AbortSignal.any(signals)));
  }

  async lag(group: string, topics: readonly string[]): Promise<readonly PartitionLag[]> {
    const engine = this.#engine();
    const lagOf = (partition: Partition) => {
      const { first, next: end } = engine.topics.extent(partition.id);
      const committed = engine.offsets.of(group, partition) ?? first;
      return { topic: partition.topic, partition: partition.number, committed, end, lag: Number(end - committed) };
    };
    return this.#reading(() => topics.flatMap((topic) => engine.topics.partitions(topic)).map(lagOf));
  }

  async rewind(
    group: string,
    topics: readonly string[],
    sinceMs: number,
    { dryRun = false }: RewindOptions = {},
  ): Promise<readonly Rewound[]> {
    const engine = this.#engine();
    const partitions = topics.flatMap((topic) => engine.topics.partitions(topic));
    if (dryRun) return this.#reading(() => planRewind(engine, group, partitions, sinceMs));
    const moved = await rewind(engine, group, partitions, sinceMs);
    if (!moved) throw groupActive(group);
    return moved;
  }

  #reading<T>(work: () => T): T {
    return inTermsOfLog(this.#options.file, work);
  }

  #engine(): SqliteEngine {
    if (!this.#opened) throw new GaplineError('log-unavailable', `${this.#options.file} is not open`);
    return this.#opened;
  }
}

/** As many records from `start` on as one transaction should take, at least one. */
function partOf(records: readonly LogRecord[], start: number): readonly LogRecord[] {
  let bytes = 0;
  let end = start;
  while (bytes < maxAppendBytes) {
    const record = records[end];
    if (!record) break;
    bytes += sizeOf(record);
    end += 1;
  }
  return start === 0 && end === records.length ? records : records.slice(start, end);
}

function asAppendError(error: unknown, partly: boolean): unknown {
  if (!(error instanceof GaplineError) || error.code === 'log-corrupt') return error;
  const outcome = partly || (error instanceof AppendError && error.outcome === 'unknown') ? 'unknown' : 'refused';
  return new AppendError(outcome, error.message, error.cause);
}
