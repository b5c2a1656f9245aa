import { Command, InvalidArgumentError, Option } from 'commander';
import { repeated } from '../once.ts';

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    }
    return number;
  };

export const port = wholeNumber(0, 65_535);

export const whereStateLives = 'where state lives';

/** A command that works on one stream. */
export function streamCommand(name: string, summary: string, { data = whereStateLives } = {}): Command {
  return withStream(
    new Command(name)
      .summary(summary)
      .description(summary)
      .requiredOption('--config <file>', 'the stream.yaml that defines the stream'),
    data,
  );
}

export const withStream = (command: Command, data = whereStateLives): Command =>
  command
    .option('--set <key=value>', 'override a key of it, or remove it by an empty value; may be repeated', repeated, [])
    .option('--data <folder>', data, 'data')
    .addOption(
      new Option('--log-level <level>', 'how much is logged')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    );

/** A command that runs one stage of the line, as a process of its own. */
export function stageCommand(name: string, summary: string): Command {
  return streamCommand(name, summary)
    .option('--log <url>', 'kafka://HOST:PORT,… or a file; default: the embedded log under --data')
    .option('--host <address>', 'address to listen on', '127.0.0.1');
}

/** A command that reads or writes the log of one stream. */
export const logCommand = (name: string, summary: string, { data = whereStateLives } = {}): Command =>
  streamCommand(name, summary, { data }).option(
    '--log <url>',
    'kafka://HOST:PORT,… or a file; default: the embedded log under --data',
  );

/** A command with an HTTP endpoint for devices, browsers or programs. */
export const withEndpoint = (command: Command): Command =>
  command
    .option(
      '--tls-cert <file>',
      'certificate chain (PEM) of the endpoint; a renewed one is loaded while the stage runs',
    )
    .option('--tls-key <file>', 'its key (PEM)')
    .option(
      '--rate-per-token <requests>',
      'a minute, for each token; default: any number',
      wholeNumber(1, 1_000_000_000),
    )
    .option(
      '--rate-per-address <requests>',
      'a minute, for each address; default: any number',
      wholeNumber(1, 1_000_000_000),
    );

export const withStore = (command: Command): Command =>
  command.option('--store <url>', 'http://HOST:8086/ORG/BUCKET or a file; default: the embedded store under --data');

/** `--port` of a stage whose only endpoints are /health, /ready and /metrics. */
export const withProbes = (command: Command): Command =>
  command.option('--port <port>', 'for /health, /ready and /metrics; 0 is any free one', port, 0);
