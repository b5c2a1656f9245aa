import { type Logger, type LoggerOptions, pino, type SerializedError } from 'pino';
import { printable, printableLines } from '../core/wire/printable.ts';

const options: LoggerOptions = {
  base: undefined,
  timestamp: pino.stdTimeFunctions.isoTime,
  serializers: { err: serializeError },
};

/** Logs go to standard error: JSON in a pipe, one readable line a message on a terminal. Standard output is for results. */
export async function createLogger(level: string): Promise<Logger> {
  if (!process.stderr.isTTY) {
    const destination = pino.destination({ fd: 2, sync: true });
    // Where the log of a process goes to a full disk or a closed pipe, the process does its work without it.
    destination.on('error', () => {});
    return pino({ ...options, level }, destination);
  }
  const { default: pretty } = await import('pino-pretty');
  return pino(
    { ...options, level },
    pretty({
      colorize: true,
      ignore: 'stage',
      // Names of anybody's fields are in messages.
      messageFormat: (log, messageKey) => `${printable(String(log.stage))}: ${printable(String(log[messageKey]))}`,
      translateTime: 'SYS:HH:MM:ss',
      destination: 2,
      sync: true,
    }),
  );
}

function serializeError(error: Error): SerializedError {
  const serialized = pino.stdSerializers.err(error);
  serialized.message = printable(String(serialized.message));
  serialized.stack = printableLines(String(serialized.stack));
  return serialized;
}
