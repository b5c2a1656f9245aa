import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { LogRecord } from '../../core/log/port.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { sqliteCode, sqliteCodes } from '../../core/wire/sqlite-code.ts';
import { checksum, decodeRecords, encodeRecords } from './chunk.ts';
import { type Chunk, copyChunks, isDamage, openTables, type Tables } from './tables.ts';

export interface SpoolOptions {
  /** Made if it is missing. One collector at a time. */
  readonly file: string;
  /** Of readings that wait; the file is a little larger. */
  readonly maxBytes: number;
  readonly logger: Logger;
  /** Told how many readings the disk damaged; they cannot be sent. */
  readonly lost: (readings: number) => void;
  readonly nowMs: () => number;
}

/** The oldest readings of the spool. */
export interface SpoolBatch {
  readonly records: readonly LogRecord[];
  readonly bytes: number;
  readonly chunks: number;
  /** The last chunk in it. */
  readonly last: number;
}

interface Change {
  readonly chunks: number;
  readonly records: number;
  readonly bytes: number;
}

export interface SpoolSize {
  readonly records: number;
  readonly bytes: number;
  /** When the oldest came, in milliseconds since the epoch; undefined when there is none. */
  readonly oldest: number | undefined;
}

/** An empty file larger than this is made anew, in pages of 4 KB. */
const shrinkPages = 2_500;
/** Less than the number of any chunk, also of one whose number was damaged. */
const none = Number.MIN_SAFE_INTEGER;

/**
 * Readings that were acknowledged while the log was away: a queue in one SQLite file. What is appended together is a chunk. When
 * `append` returns, the disk has it. What a disk damages is found by checksum, told, and never sent.
 */
export class Spool {
  readonly #options: SpoolOptions;
  #tables: Tables | undefined;
  #records = 0;
  #bytes = 0;
  /** The chunk that came last; numbers are never used twice. */
  #last = 0;
  #sending = 0;
  #salvages = 0;
  /** The last chunk that is gone although a full disk did not let it be deleted. */
  #gone = none;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /**
   * Opens the file and takes over what an earlier process left.
   * @returns how many of those readings that process may have sent already
   * @throws {GaplineError} `spool-unusable` where it cannot be opened or another collector uses it
   */
  start(): { maybeSent: number } {
    const { file } = this.#options;
    mkdirSync(dirname(file), { recursive: true });
    try {
      this.#open();
      this.#miss();
    } catch (error) {
      if (!isDamage(error)) throw this.#unusable(error);
      this.#salvage(error);
    }
    return { maybeSent: this.#held.totals().maybeSent };
  }

  stop(): void {
    this.#tables?.db.close();
    this.#tables = undefined;
  }

  get size(): SpoolSize {
    const oldest = this.#records === 0 || this.#tables === undefined ? undefined : this.#tables.oldest();
    return { records: this.#records, bytes: this.#bytes, oldest };
  }

  get empty(): boolean {
    return this.#records === 0;
  }

  get hasSpace(): boolean {
    return this.#bytes < this.#options.maxBytes;
  }

  /**
   * Adds a chunk at the end; when it returns, the disk has it.
   * @throws {GaplineError} `spool-full` where there is no room, `spool-unusable` where the disk fails
   */
  append(records: readonly LogRecord[]): void {
    const { maxBytes, nowMs } = this.#options;
    const bytes = encodeRecords(records);
    if (this.#bytes + bytes.byteLength > maxBytes) {
      throw new GaplineError('spool-full', `the spool holds ${this.#bytes} bytes of ${maxBytes}`, { retryable: true });
    }
    const id = this.#last + 1;
    this.#change(({ insert }) => insert.run(id, nowMs(), records.length, checksum(id, records.length, bytes), bytes), {
      chunks: 1,
      records: records.length,
      bytes: bytes.byteLength,
    });
    this.#last = id;
  }

  /** The oldest chunks, at least one, and no more than `maxBytes` beyond that. Undefined when the spool is empty. */
  next(maxBytes: number): SpoolBatch | undefined {
    for (;;) {
      const { batch, damaged } = this.#guarded((tables) => read(tables, this.#gone, maxBytes));
      if (damaged === undefined) return batch;
      this.#drop(damaged);
    }
  }

  /** Notes durably, before a batch is sent, that the log may hold it from now on. */
  sending({ last }: SpoolBatch): void {
    if (last <= this.#sending) return;
    this.#guarded(({ mark }) => mark.run(last));
    this.#sending = last;
  }

  /** Forgets a batch that the log holds. */
  remove({ last, records, bytes, chunks }: SpoolBatch): void {
    const less = { chunks, records: -records.length, bytes: -bytes };
    try {
      this.#change(({ remove }) => remove.run(last), less);
    } catch (error) {
      if (!(error instanceof GaplineError) || error.code !== 'spool-full') throw error;
      this.#gone = last;
      this.#add(less);
    }
    if (this.#records === 0) this.#shrink();
  }

  /** Gives the disk back what an outage took. */
  #shrink(): void {
    if (this.#gone === none && this.#held.pages() <= shrinkPages) return;
    this.stop();
    for (const file of [this.#options.file, `${this.#options.file}-journal`]) rmSync(file, { force: true });
    this.#gone = none;
    this.#open();
  }

  get #held(): Tables {
    if (this.#tables === undefined) throw new GaplineError('spool-unusable', `${this.#options.file} is not open`);
    return this.#tables;
  }

  #open(): void {
    this.#tables = openTables(this.#options.file);
    this.#count();
  }

  /** Rows may vanish without leaving the file unreadable; the count of their records stays. */
  #miss(): void {
    const { file, logger, lost } = this.#options;
    const readings = this.#held.held() - this.#records;
    if (readings === 0) return;
    this.#held.holds(this.#records);
    if (readings < 0) return;
    lost(readings);
    logger.error({ file, readings }, 'the disk damaged the spool; readings are not in it any more');
  }

  #count(): void {
    const { records, bytes, last } = this.#held.totals();
    this.#records = records;
    this.#bytes = bytes;
    this.#last = Math.max(this.#last, last);
    this.#sending = this.#held.sending();
  }

  #drop({ id, records, payload }: Chunk): void {
    const { file, logger, lost } = this.#options;
    this.#change(({ drop }) => drop.run(id), { chunks: 1, records: -records, bytes: -payload.byteLength });
    // A damaged number is no number to count with.
    const readings = Math.min(records, Math.ceil(payload.byteLength / 8));
    lost(readings);
    logger.error({ file, readings }, 'the disk damaged readings of the spool; they are lost');
  }

  /** Changes so many chunks, and what is known of the file with them. */
  #change(action: (tables: Tables) => { changes: number | bigint }, by: Change): void {
    const salvages = this.#salvages;
    const { changes } = this.#guarded(action);
    if (changes < by.chunks) {
      // A chunk is not found by its number: the order is damaged. Rows that are copied come in order again.
      this.#salvage(new Error('a chunk is not where its number says'));
      action(this.#held);
    }
    if (salvages === this.#salvages) this.#add(by);
    else this.#count();
  }

  #add({ records, bytes }: Change): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  /** Runs something with the file; where the file turns out to be damaged, saves what can be read and tries once more. */
  #guarded<T>(action: (tables: Tables) => T): T {
    try {
      return action(this.#held);
    } catch (error) {
      if (error instanceof GaplineError) throw error;
      if (sqliteCode(error) === sqliteCodes.full) {
        const detail = `the disk under ${this.#options.file} is full`;
        throw new GaplineError('spool-full', detail, { cause: error, retryable: true });
      }
      if (!isDamage(error)) throw this.#unusable(error);
      this.#salvage(error);
      return action(this.#held);
    }
  }

  /** Sets a damaged file aside, begins a new one, and copies every chunk that can still be read. */
  #salvage(cause: unknown): void {
    const { file, logger, lost, nowMs } = this.#options;
    const before = this.#records;
    this.#salvages += 1;
    const aside = `${file}.damaged-${nowMs()}`;
    try {
      this.stop();
    } catch {
      // The handle of a damaged file may refuse even this.
    }
    renameSync(file, aside);
    if (existsSync(`${file}-journal`)) renameSync(`${file}-journal`, `${aside}-journal`);
    this.#open();
    const saved = copyChunks(aside, this.#held);
    this.#count();
    // Of chunks that are missing where the count cannot be read it is only known that each held a reading.
    const readings = Math.max(saved.missing, Math.max(before, saved.held) - this.#records, 0);
    lost(readings);
    logger.error(
      { file, aside, ...saved, readings },
      `the spool was damaged; what can be read goes on: ${describeError(cause)}`,
    );
  }

  #unusable(cause: unknown): GaplineError {
    const { file } = this.#options;
    const detail =
      sqliteCode(cause) === sqliteCodes.busy ? `${file} is in use by another collector` : `${file} cannot be used`;
    return new GaplineError('spool-unusable', detail, { cause, retryable: true });
  }
}

/** The first chunks, or the one chunk at the beginning that is damaged: what comes before a damaged one goes out first. */
function read(tables: Tables, after: number, maxBytes: number): { batch?: SpoolBatch; damaged?: Chunk } {
  const records: LogRecord[] = [];
  let [last, bytes, chunks] = [none, 0, 0];
  for (const chunk of tables.chunks(after)) {
    if (records.length > 0 && bytes + chunk.payload.byteLength > maxBytes) break;
    if (checksum(chunk.id, chunk.records, chunk.payload) !== chunk.checksum) {
      if (records.length > 0) break;
      return { damaged: chunk };
    }
    last = Math.max(last, chunk.id);
    chunks += 1;
    bytes += chunk.payload.byteLength;
    for (const record of decodeRecords(chunk.payload)) records.push(record);
  }
  return records.length === 0 ? {} : { batch: { records, bytes, chunks, last } };
}
