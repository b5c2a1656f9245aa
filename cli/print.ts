import { printableLines } from '../core/wire/printable.ts';

/** Writes results to standard output. Whatever names are in the text, a terminal shows them and does nothing else. */
export const print = (text: string): void => void process.stdout.write(printableLines(text));

/** As {@link print}, to standard error: what a person should know, beside the result. */
export const complain = (text: string): void => void process.stderr.write(printableLines(text));
