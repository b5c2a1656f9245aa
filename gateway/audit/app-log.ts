import { appendFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readWhole } from '../../core/files/whole.ts';

export interface AppLogOptions {
  readonly file: string;
  /** A file that has reached it is put aside. Default 10 MB. */
  readonly bytes?: number;
  /** How many are put aside, as `FILE.1` (the newest) and so on; the oldest is removed. Default 4. */
  readonly kept?: number;
}

/** A file of lines that never grows beyond `bytes * (kept + 1)`. */
export class AppLog {
  readonly #file: string;
  readonly #bytes: number;
  readonly #kept: number;
  #size: number;

  constructor({ file, bytes = 10_000_000, kept = 4 }: AppLogOptions) {
    this.#file = file;
    this.#bytes = bytes;
    this.#kept = kept;
    mkdirSync(dirname(file), { recursive: true });
    this.#size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** @throws the system's error where the disk is full or read-only */
  write(line: string): void {
    const text = Buffer.from(`${line}\n`);
    if (this.#size > 0 && this.#size + text.length > this.#bytes) this.#rotate();
    appendFileSync(this.#file, text, { mode: 0o600 });
    this.#size += text.length;
  }

  /** The newest lines that are wanted, newest first. */
  async newest(most: number, isWanted: (line: string) => boolean): Promise<string[]> {
    const found: string[] = [];
    for (let part = 0; part <= this.#kept && found.length < most; part++) {
      const text = await readWhole(this.#part(part), 2 * this.#bytes).catch(() => undefined);
      // A file that is not there is none; one that was just put aside is found under its next name.
      if (!text) continue;
      const lines = text.toString('utf8').split('\n').reverse();
      for (const line of lines) {
        if (found.length >= most) break;
        if (line !== '' && isWanted(line)) found.push(line);
      }
    }
    return found;
  }

  #part(number: number): string {
    return number === 0 ? this.#file : `${this.#file}.${number}`;
  }

  #rotate(): void {
    rmSync(this.#part(this.#kept), { force: true });
    for (let part = this.#kept - 1; part >= 0; part--) {
      if (statSync(this.#part(part), { throwIfNoEntry: false })) renameSync(this.#part(part), this.#part(part + 1));
    }
    this.#size = 0;
  }
}
