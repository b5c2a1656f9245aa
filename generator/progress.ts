import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { explainFileError } from '../core/files/fault.ts';
import { readWholeSync } from '../core/files/whole.ts';
import { describeError } from '../core/wire/errors.ts';
import { nanosecondsSchema } from '../core/wire/reading.ts';

const count = z.int().min(0);

const progressSchema = z.strictObject({
  format: z.literal(1),
  stream: z
    .string()
    .describe('identifies streams of other data, seeds or gaps: a hash of all that decides the readings'),
  segments: z
    .array(z.strictObject({ from: count, atNs: nanosecondsSchema, spacingNs: z.number().positive() }))
    .min(1)
    .readonly(),
  gapRates: z
    .array(z.strictObject({ from: count, rate: z.number().min(0).max(1) }))
    .min(1)
    .readonly(),
  reserved: count.describe('no reading from this index on was ever made'),
  reservedUntilNs: nanosecondsSchema.describe('no reading with a later time was ever made'),
  accepted: z.array(count).min(1).describe('by worker: how many of its readings were accepted'),
  next: count.describe('every reading before this index was accepted'),
});

/** How far a stream has come. */
export type Progress = z.infer<typeof progressSchema>;

/**
 * The progress of a stream in a small file, replaced as a whole. It is written before readings are made that it must know of, and
 * after others were accepted: a process killed in between sends some readings again, and none anew.
 */
export class ProgressFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Undefined where there is none, or none that can be read; the stream then restarts. */
  load(logger: Logger): Progress | undefined {
    let text: string;
    try {
      text = readWholeSync(this.#file, 10_000_000).toString('utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return progressSchema.parse(JSON.parse(text));
    } catch (error) {
      logger.warn(
        { file: this.#file },
        `${this.#file} cannot be read; restarting from the first reading (${describeError(error)})`,
      );
      return undefined;
    }
  }

  /** @throws {GaplineError} `disk-full` or `file-unusable`; the file is then as it was. */
  save(progress: Progress): void {
    const aside = `${this.#file}.new`;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(aside, JSON.stringify(progress));
      renameSync(aside, this.#file);
    } catch (error) {
      throw explainFileError(error, this.#file) ?? error;
    }
  }

  /** A stream that is complete restarts next time. */
  async remove(): Promise<void> {
    await rm(this.#file, { force: true });
  }
}
