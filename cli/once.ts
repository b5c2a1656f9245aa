import type { Command } from 'commander';
import { printableLines } from '../core/wire/printable.ts';

/** Collects the values of an option that may stand several times. */
export const repeated = (value: string, before: string[] = []): string[] => [...before, value];

/**
 * Makes it an error to name an option twice that takes one value: the later would win in silence. Options that collect their values, and
 * those without a value, may stand as often as anybody likes.
 */
export function refuseRepeats(command: Command): void {
  for (const option of command.options) {
    const single = option.required && !option.variadic && option.parseArg !== repeated;
    if (!single) continue;
    let first: string | undefined;
    command.on(`option:${option.name()}`, (value: string) => {
      if (first !== undefined)
        command.error(`error: option '${option.flags}' stands twice, with ${first} and ${value}; name it once`, {
          code: 'commander.repeatedOption',
          exitCode: 1,
        });
      first = value;
    });
  }
  // Commander repeats what it was given, whatever that is.
  command.configureOutput({
    writeOut: (text) => void process.stdout.write(printableLines(text)),
    writeErr: (text) => void process.stderr.write(printableLines(text)),
  });
  for (const child of command.commands) refuseRepeats(child);
}
