import { Command, Option } from 'commander';
import { exampleConfig } from '../how-to-run.ts';
import { repeated } from '../once.ts';
import {
  logCommand,
  port,
  stageCommand,
  streamCommand,
  wholeNumber,
  withEndpoint,
  withProbes,
  withStore,
  withStream,
} from './options.ts';

// The commands that run the line, or a stage of it.

export function up(): Command {
  const summary = 'run the whole line in this process, embedded';
  const config = 'the stream.yaml that defines the stream; default: the Spambase example';
  const command = new Command('up').summary(summary).description(summary).option('--config <file>', config);
  return withEndpoint(withStream(command))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--collector-port <port>', 'where devices POST; 0 is any free one', port, 8080)
    .option('--page-port <port>', 'where the live page is; 0 is any free one', port, 3000)
    .option('--labels <count>', 'stop after so many labels', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--ledger <file>', 'append the identity of each accepted reading to this file')
    .option('--no-generator', 'run without the example devices')
    .addOption(new Option('--summary <format>', 'what to print at the end').choices(['json', 'text']).default('text'))
    .action(async ({ config = exampleConfig(), ...options }) =>
      (await import('../commands/up.ts')).up({ ...options, config }),
    );
}

const workerCount = (text: string): number | 'auto' => (text === 'auto' ? text : wholeNumber(1, 64)(text));

export function collect(): Command {
  return (
    withEndpoint(
      withStore(stageCommand('collect', 'take readings over HTTP into the log, and the log into the archive')),
    )
      .option('--port <port>', 'where devices POST; 0 is any free one', port, 8080)
      .option(
        '--workers <count>',
        'processes that take readings on the one port; auto: a core less than there are, as memory allows; on Linux',
        workerCount,
        1,
      )
      // The primary process starts each worker with it.
      .addOption(new Option('--worker <slot>', 'which worker this process is').hideHelp())
      .option('--no-archive', 'leave the archive to `gapline archive`')
      .action(async (options) => (await import('../commands/collect.ts')).collectReadings(options))
  );
}

export function archive(): Command {
  return withProbes(
    withStore(stageCommand('archive', 'copy readings from the log into the store, for training')),
  ).action(async (options) => (await import('../commands/stages.ts')).archiveReadings(options));
}

export function classify(): Command {
  return withProbes(stageCommand('classify', 'fill gaps and label readings')).action(async (options) =>
    (await import('../commands/stages.ts')).classifyReadings(options),
  );
}

export function alerts(): Command {
  const load = () => import('../commands/alerts.ts');
  return new Command('alerts')
    .alias('alert')
    .description('be told when a label, a silent device, gaps, drift or lag means trouble')
    .addCommand(
      withProbes(stageCommand('run', 'watch the line and send alerts to webhooks')).action(async (options) =>
        (await import('../commands/stages.ts')).watchForAlerts(options),
      ),
      // So that each stage is one word, as the unit of systemd has it.
      { isDefault: true },
    )
    .addCommand(
      logCommand('list', 'one line an alert: since when, whether it fires, and whether it was delivered')
        .option('--firing', 'only those that fire now')
        .option('--json', 'each as JSON, one a line')
        .action(async (options) => (await load()).listAlerts(options)),
    )
    .addCommand(
      streamCommand('test', 'send each webhook a test message, and print what it responds')
        .argument('[webhook]', 'only this one')
        .action(async (webhook, options) => (await load()).testWebhooks(webhook, options)),
    )
    .addCommand(
      logCommand('silence', 'do not deliver the alerts of a rule for a while; they still fire, and are listed')
        .argument('<rule>', 'its name')
        .option('--device <name>', 'only of this device')
        .option('--for <duration>', 'for how long: 30m, 2h; 0s ends it', '1h')
        .action(async (rule, options) => (await load()).silenceRule(rule, options)),
    );
}

export function dashboard(): Command {
  return withEndpoint(stageCommand('dashboard', 'serve the live page'))
    .option('--port <port>', 'where the page is; 0 is any free one', port, 3000)
    .action(async (options) => (await import('../commands/stages.ts')).serveDashboard(options));
}

export function generate(): Command {
  return streamCommand('generate', 'replay a data set as devices that POST readings with gaps')
    .option('--to <url>', 'the collector', 'http://127.0.0.1:8080')
    .option('--count <readings>', 'stop after so many', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option(
      '--start <time>',
      'time of the first reading, RFC 3339; default: now, kept under --data so that a restart resumes',
    )
    .option('--ledger <file>', 'append the identity of each accepted reading to this file')
    .option(
      '--control-port <port>',
      'where it can be started, stopped and given another rate; then it runs until a signal',
      port,
    )
    .option('--host <address>', 'address of the control endpoint', '127.0.0.1')
    .action(async (options) => (await import('../commands/generate.ts')).generate(options));
}

export function serve(): Command {
  return withEndpoint(
    stageCommand('serve', "answer inference requests (Open Inference Protocol v2) with the line's model and imputer"),
  )
    .option('--port <port>', 'where to listen; 0 is any free one', port, 8081)
    .action(async (options) => (await import('../commands/stages.ts')).serveModel(options));
}

export function gateway(): Command {
  const summary = 'users with roles who predict, train and update over HTTP';
  const command = new Command('gateway')
    .summary(summary)
    .description(summary)
    .requiredOption(
      '--config <file>',
      'the stream.yaml that defines a stream; repeated: one gateway for several streams, set up by the first',
      repeated,
    )
    .option('--set <key=value>', 'override a key of each of them; may be repeated', repeated, [])
    .option('--data <folder>', 'where state lives', 'data')
    .addOption(
      new Option('--log-level <level>', 'how much is logged')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'where to listen; 0 is any free one', port, 8000)
    .option('--tls-cert <file>', 'certificate chain (PEM); a renewed one is loaded while it runs')
    .option('--tls-key <file>', 'its key (PEM)');
  return withStore(command).action(async (options) => (await import('../commands/gateway.ts')).runGateway(options));
}
