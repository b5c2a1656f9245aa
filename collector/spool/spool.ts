import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import type { LogRecord } from '../../core/log/port.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { noChunk, readBatch, type SpoolBatch } from './batch.ts';
import { checksum, encodeRecords } from './chunk.ts';
import { isDamage, spoolFault, spoolUnusable } from './fault.ts';
import { copyChunks } from './salvage.ts';
import { type Chunk, openTables, type Tables } from './tables.ts';

export interface SpoolOptions {
  /** Made if it is missing. One collector at a time. */
  readonly file: string;
  /** Of the readings in it; the file is a little larger. */
  readonly maxBytes: number;
  readonly logger: Logger;
  /** Called with the number of readings that the disk damaged; they cannot be sent. */
  readonly lost: (readings: number) => void;
  readonly nowMs: () => number;
}

interface Change {
  readonly chunks: number;
  readonly records: number;
  readonly bytes: number;
}

export interface SpoolSize {
  readonly records: number;
  readonly bytes: number;
  /** When the oldest was received, in milliseconds since the epoch; undefined when there is none. */
  readonly oldest: number | undefined;
}

/** An empty file larger than this, in pages of 4 KB, is replaced by a new one. */
const shrinkPages = 2_500;

/**
 * Readings that were acknowledged while the log was unavailable: a queue in one SQLite file. Records that are appended together are a
 * chunk. When `append` returns, the chunk is on the disk. Readings that the disk damages are found by checksum, counted as lost and never
 * sent.
 */
export class Spool {
  readonly #options: SpoolOptions;
  #tables: Tables | undefined;
  #records = 0;
  #bytes = 0;
  /** The number of the newest chunk; numbers are never used twice. */
  #last = 0;
  /** The last chunk that may have been sent. */
  #sending = 0;
  #salvages = 0;
  /** The last chunk that the log holds and that could not be deleted, because the disk was full. */
  #undeleted = noChunk;

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
      this.#countVanished();
    } catch (error) {
      if (!isDamage(error)) throw spoolUnusable(file, error);
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
   * @throws {GaplineError} `spool-full` where it has no space, `spool-unusable` where the disk fails
   */
  append(records: readonly LogRecord[], maxBytes: number = this.#options.maxBytes): void {
    const { nowMs } = this.#options;
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
      const { batch, damaged } = this.#guarded((tables) => readBatch(tables, this.#undeleted, maxBytes));
      if (damaged === undefined) return batch;
      this.#drop(damaged);
    }
  }

  /** Records durably, before a batch is sent, that the log may hold it from now on. */
  sending({ last }: SpoolBatch): void {
    if (last <= this.#sending) return;
    this.#guarded(({ mark }) => mark.run(last));
    this.#sending = last;
  }

  /** Removes a batch that the log holds. */
  remove({ last, records, bytes, chunks }: SpoolBatch): void {
    const less = { chunks, records: -records.length, bytes: -bytes };
    try {
      this.#change(({ remove }) => remove.run(last), less);
    } catch (error) {
      if (!(error instanceof GaplineError) || error.code !== 'spool-full') throw error;
      this.#undeleted = last;
      this.#add(less);
    }
    if (this.#records === 0) this.#shrink();
  }

  /** Frees the disk space that an outage used. */
  #shrink(): void {
    if (this.#undeleted === noChunk && this.#held.pages() <= shrinkPages) return;
    this.stop();
    for (const file of [this.#options.file, `${this.#options.file}-journal`]) rmSync(file, { force: true });
    this.#undeleted = noChunk;
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

  /** Rows may vanish although the file stays readable; the count of their records shows how many readings are lost with them. */
  #countVanished(): void {
    const { file, logger, lost } = this.#options;
    const readings = this.#held.held() - this.#records;
    if (readings === 0) return;
    this.#held.holds(this.#records);
    if (readings < 0) return;
    lost(readings);
    logger.error({ file, readings }, 'the disk damaged the spool; readings in it are lost');
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
    // The chunk's own count may be damaged too: each record has at least 8 bytes.
    const readings = Math.min(records, Math.ceil(payload.byteLength / 8));
    lost(readings);
    logger.error({ file, readings }, 'the disk damaged readings of the spool; they are lost');
  }

  /** Changes chunks in the file, and then the totals by `by`. */
  #change(action: (tables: Tables) => { changes: number | bigint }, by: Change): void {
    const salvages = this.#salvages;
    const { changes } = this.#guarded(action);
    if (changes < by.chunks) {
      // SQLite does not find a chunk by its number, so the tree of rows is damaged. Copied rows are in order again.
      this.#salvage(new Error('a chunk is not found by its number'));
      action(this.#held);
    }
    if (salvages === this.#salvages) this.#add(by);
    else this.#count();
  }

  #add({ records, bytes }: Change): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  /** Runs an operation on the file. If the file turns out to be damaged, saves what can be read and tries once more. */
  #guarded<T>(action: (tables: Tables) => T): T {
    try {
      return action(this.#held);
    } catch (error) {
      if (error instanceof GaplineError) throw error;
      if (!isDamage(error)) throw spoolFault(this.#options.file, error);
      this.#salvage(error);
      return action(this.#held);
    }
  }

  /** Renames a damaged file, makes a new one, and copies every chunk that can still be read. */
  #salvage(cause: unknown): void {
    const { file, logger, lost, nowMs } = this.#options;
    const before = this.#records;
    this.#salvages += 1;
    const aside = `${file}.damaged-${nowMs()}`;
    try {
      this.stop();
    } catch {
      // Even closing a damaged file may fail.
    }
    renameSync(file, aside);
    if (existsSync(`${file}-journal`)) renameSync(`${file}-journal`, `${aside}-journal`);
    this.#open();
    const saved = copyChunks(aside, this.#held);
    this.#count();
    // Where the file's count cannot be read, each missing chunk counts as one reading: it held at least one.
    const readings = Math.max(saved.missing, Math.max(before, saved.held) - this.#records, 0);
    lost(readings);
    logger.error(
      { file, aside, ...saved, readings },
      `the spool was damaged; the readings that could be read are kept: ${describeError(cause)}`,
    );
  }
}
