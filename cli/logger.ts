import { type Logger, pino } from 'pino';

/** Logs go to standard error: JSON in a pipe, one readable line a message on a terminal. Standard output is for results. */
export async function createLogger(level: string): Promise<Logger> {
  const options = { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  if (!process.stderr.isTTY) return pino(options, pino.destination({ fd: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  return pino(
    options,
    pretty({
      colorize: true,
      ignore: 'stage',
      messageFormat: '{stage}: {msg}',
      translateTime: 'SYS:HH:MM:ss',
      destination: 2,
      sync: true,
    }),
  );
}
