import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/**
 * Reads the command line of a script of an example: `--help` prints the usage and ends; what the script does not know is one line and an
 * exit code of 1, before anything is written.
 * @param usage - its first line is the command; the rest says what it does
 * @param places - arguments without a name, at most
 */
export function readArguments<T extends ParseArgsOptionsConfig>(usage: string, options: T, places = 0) {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: { ...options, help: { type: 'boolean', short: 'h', default: false } },
    });
    if ('help' in parsed.values && parsed.values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    const [extra] = parsed.positionals.slice(places);
    if (extra !== undefined) throw new Error(`Unexpected argument '${extra}'`);
    return parsed;
  } catch (error) {
    return refuse(error instanceof Error ? (error.message.split('. ')[0] ?? '') : `${error}`, usage);
  }
}

/** Ends the script: what is wrong, and how it is called. */
export function refuse(problem: string, usage: string): never {
  console.error(`${problem}; usage: ${usage.split('\n')[0]}`);
  process.exit(1);
}

/** A whole number from 1 on. */
export function wholeNumber(text: string, option: string, usage: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) refuse(`${option} ${text}: a whole number from 1 on`, usage);
  return Number(text);
}
