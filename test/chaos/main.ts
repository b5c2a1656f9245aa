import { Command, InvalidArgumentError, Option } from 'commander';
import { type ClientName, clientNames } from '../../core/log/kafka/address.ts';
import { campaign } from './campaign.ts';
import { type Acknowledge, acknowledgeChoices } from './line.ts';
import { type StreamChoice, streamChoices } from './streams.ts';

const number =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a number from ${least} to ${most}`);
  };

function brokers(text: string): 1 | 3 {
  if (text === '1') return 1;
  if (text === '3') return 3;
  throw new InvalidArgumentError('expected 1 or 3');
}

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly stream: StreamChoice;
  readonly client: ClientName;
  readonly brokers: 1 | 3;
  readonly topics: boolean;
  readonly rate: number;
  readonly workers: number;
  readonly acknowledge: Acknowledge;
  readonly only: readonly string[];
  readonly keep: boolean;
}

await new Command('chaos')
  .description(
    'Faults by a seed against the real stack on this machine; one JSON line, and exit code 1 where a promise was broken',
  )
  .option('--minutes <minutes>', 'how long faults are injected', number(0.1, 10_000), 3)
  .option('--seed <seed>', 'decides which faults and when', number(0, 2 ** 31), 1)
  .addOption(
    new Option(
      '--stream <which>',
      'readings labelled one by one, windows of samples, readings gated by facts; the first two, or all, beside each other',
    )
      .choices(streamChoices)
      .default('plain'),
  )
  .addOption(
    new Option('--client <name>', "by which Gapline's processes consume from Kafka and commit")
      .choices(clientNames)
      .default('kafkajs'),
  )
  .option('--brokers <count>', 'one broker, or three that each hold every topic', brokers, 1)
  .option('--no-topics', 'leaves out what is done to topics, and the loss of all of Kafka')
  .option('--rate <readings>', 'readings a second of the plain stream', number(1, 100_000), 100)
  .option('--workers <count>', 'processes of the collector that take readings', number(1, 64), 1)
  .addOption(
    new Option(
      '--acknowledge <when>',
      'when the collector answers: when the log has the readings, or when its disk has',
    )
      .choices(acknowledgeChoices)
      .default('log'),
  )
  .option('--only <words...>', 'only faults with one of these words in their name', [])
  .option('--keep', "keep the processes' logs", false)
  .action(async (options: Options) => {
    const stopping = new AbortController();
    process.once('SIGINT', () => stopping.abort());
    const outcome = await campaign({ ...options, stopping: stopping.signal, tell: (line) => console.error(line) });
    console.log(JSON.stringify(outcome));
    process.exitCode = outcome.violations.length === 0 ? 0 : 1;
  })
  .parseAsync();
