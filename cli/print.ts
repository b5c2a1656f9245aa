import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { printableLines } from '../core/wire/printable.ts';

/** Writes results to standard output. Whatever names are in the text, a terminal shows them and does nothing else. */
export const print = (text: string): void => void process.stdout.write(printableLines(text));

/** As {@link print}, a line each. */
export const printLines = (lines: readonly string[]): void => print(lines.map((line) => `${line}\n`).join(''));

/** As {@link print}, to standard error: what a person should know, beside the result. */
export const complain = (text: string): void => void process.stderr.write(printableLines(text));

/**
 * Writes lines, and waits while whoever reads them is slow: nothing piles up here. Standard output gets them as {@link print} writes, a
 * file as they are.
 * @returns whether somebody still reads
 */
export async function writeLines(lines: readonly string[], out: Writable = process.stdout): Promise<boolean> {
  if (lines.length === 0) return !out.destroyed;
  const text = `${lines.join('\n')}\n`;
  out.write(out === process.stdout ? printableLines(text) : text);
  if (out.writableNeedDrain) {
    const settled = new AbortController();
    const either = ['drain', 'close'].map((event) => once(out, event, { signal: settled.signal }));
    // Rejects where the reader has gone, which `destroyed` tells as well.
    await Promise.race(either).catch(() => {});
    // The listeners of the other one would stay: hundreds, for a slow reader.
    settled.abort();
    await Promise.allSettled(either);
  }
  return !out.destroyed;
}
