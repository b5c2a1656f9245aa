import { Command, Option } from 'commander';
import { logCommand, stageCommand, streamCommand, withProbes, withStore } from './options.ts';

// The commands for who runs a line.

export function doctor(): Command {
  return withStore(
    logCommand('doctor', 'look at every part of a stack: what is well, what is broken, and the remedy'),
  ).action(async (options) => (await import('../commands/doctor.ts')).doctor(options));
}

export function tokens(): Command {
  const load = () => import('../commands/tokens.ts');
  const tokensCommand = (name: string, summary: string) =>
    new Command(name).summary(summary).description(summary).option('--data <folder>', 'where state lives', 'data');
  return new Command('tokens')
    .description(
      'who may come in: make, list and revoke tokens; GAPLINE_TOKEN is one of the environment, allowed everything',
    )
    .addCommand(
      tokensCommand('add', 'make a token, shown this once')
        .argument('<name>', 'whose it is')
        .addOption(
          new Option('--scope <scopes...>', 'what it may do')
            .choices(['write', 'read', 'admin'])
            .default(['write'], 'write'),
        )
        .action(async (name, options) => (await load()).makeToken(name, options)),
    )
    .addCommand(tokensCommand('list', 'one line a token').action(async (options) => (await load()).listTokens(options)))
    .addCommand(
      tokensCommand('revoke', 'make a token worthless')
        .argument('<name>', 'whose it is')
        .action(async (name, options) => (await load()).dropToken(name, options)),
    );
}

export function schedule(): Command {
  return withProbes(
    stageCommand('schedule', 'run another command by a cron expression, such as training each night')
      .argument(
        '[command...]',
        "behind --: train, export, backup, models or doctor, with its options; the stream's own are added",
      )
      .option('--cron <expression>', 'when: minute hour day month weekday, or six fields with seconds first')
      .option('--timezone <zone>', "whose clock, such as Europe/Vienna; default: this machine's")
      .option('--name <name>', 'of its runs, so that several schedules can share --data; default: the command')
      .option('--list', 'only print the last 100 runs'),
  ).action(async (words, options) => (await import('../commands/schedule.ts')).scheduleCommand(words, options));
}

export function telegrafConfig(): Command {
  return streamCommand('telegraf-config', "write Telegraf's inputs for a stream on Kafka")
    .requiredOption('--log <url>', 'kafka://HOST:PORT,… as Telegraf reaches it')
    .option('--ca-file <file>', 'the certificate to trust, where Telegraf finds it')
    .option('--output <file>', 'where to write; default: standard output')
    .action(async (options) => (await import('../commands/telegraf-config.ts')).telegrafConfig(options));
}

export function importDashboard(): Command {
  return streamCommand('import-dashboard', "put a stream's dashboard into InfluxDB; a second time changes nothing")
    .requiredOption('--store <url>', 'http://HOST:8086/ORG/BUCKET')
    .option('--output <file>', "write it as a template for InfluxDB's own import instead; needs no InfluxDB")
    .action(async (options) => (await import('../commands/import-dashboard.ts')).importStreamDashboard(options));
}
