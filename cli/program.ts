import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { timeUnits } from '../core/dataset/time-cell.ts';
import manifest from '../package.json' with { type: 'json' };
import { exampleConfig } from './how-to-run.ts';
import { refuseRepeats, repeated } from './once.ts';

/** What `gapline tail` can follow. */
const tailed = ['readings', 'predictions', 'deadletters', 'facts', 'shadow', 'status'];

const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
    }
    return number;
  };
const port = wholeNumber(0, 65_535);
const workerCount = (text: string): number | 'auto' => (text === 'auto' ? text : wholeNumber(1, 64)(text));

/** A command that works on one stream. */
function streamCommand(name: string, summary: string, { data = whereStateLives } = {}): Command {
  return withStream(
    new Command(name)
      .summary(summary)
      .description(summary)
      .requiredOption('--config <file>', 'the stream.yaml that defines the stream'),
    data,
  );
}

const whereStateLives = 'where state lives';

const withStream = (command: Command, data = whereStateLives): Command =>
  command
    .option('--set <key=value>', 'override a key of it, or remove it by an empty value; may be repeated', repeated, [])
    .option('--data <folder>', data, 'data')
    .addOption(
      new Option('--log-level <level>', 'how much is logged')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    );

/** A command that runs one stage of the line, as a process of its own. */
function stageCommand(name: string, summary: string): Command {
  return streamCommand(name, summary)
    .option('--log <url>', 'kafka://HOST:PORT,… or a file; default: the embedded log under --data')
    .option('--host <address>', 'address to listen on', '127.0.0.1');
}

/** A command with an HTTP endpoint for devices, browsers or programs. */
const withEndpoint = (command: Command): Command =>
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

const withStore = (command: Command): Command =>
  command.option('--store <url>', 'http://HOST:8086/ORG/BUCKET or a file; default: the embedded store under --data');

/** `--port` of a stage whose only endpoints are /health, /ready and /metrics. */
const withProbes = (command: Command): Command =>
  command.option('--port <port>', 'for /health, /ready and /metrics; 0 is any free one', port, 0);

/** The `gapline` command, with everything it can do; a command's code is loaded when it runs. */
export function createProgram(): Command {
  const program = new Command('gapline')
    .description('The whole line for IoT data with gaps: collect, log, fill, classify, watch.')
    .version(manifest.version)
    .showHelpAfterError('(--help lists what there is)')
    .enablePositionalOptions();
  for (const command of [
    up(),
    collect(),
    archive(),
    classify(),
    alerts(),
    dashboard(),
    generate(),
    telegrafConfig(),
    importDashboard(),
    serve(),
    gateway(),
    predict(),
    train(),
    trainTask(),
    doctor(),
    deadLetters(),
    facts(),
    tail(),
    exportCommand(),
    schedule(),
    rewind(),
    models(),
    tokens(),
    newStream(),
    backup(),
    restore(),
  ])
    program.addCommand(command);
  refuseRepeats(program);
  return program;
}

function collect(): Command {
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
      .action(async (options) => (await import('./commands/collect.ts')).collectReadings(options))
  );
}

function archive(): Command {
  return withProbes(
    withStore(stageCommand('archive', 'copy readings from the log into the store, for training')),
  ).action(async (options) => (await import('./commands/stages.ts')).archiveReadings(options));
}

function classify(): Command {
  return withProbes(stageCommand('classify', 'fill gaps and label readings')).action(async (options) =>
    (await import('./commands/stages.ts')).classifyReadings(options),
  );
}

function alerts(): Command {
  const load = () => import('./commands/alerts.ts');
  return new Command('alerts')
    .alias('alert')
    .description('be told when a label, a silent device, gaps, drift or lag means trouble')
    .addCommand(
      withProbes(stageCommand('run', 'watch the line and send alerts to webhooks')).action(async (options) =>
        (await import('./commands/stages.ts')).watchForAlerts(options),
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

function dashboard(): Command {
  return withEndpoint(stageCommand('dashboard', 'serve the live page'))
    .option('--port <port>', 'where the page is; 0 is any free one', port, 3000)
    .action(async (options) => (await import('./commands/stages.ts')).serveDashboard(options));
}

function generate(): Command {
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
    .action(async (options) => (await import('./commands/generate.ts')).generate(options));
}

function telegrafConfig(): Command {
  return streamCommand('telegraf-config', "write Telegraf's inputs for a stream on Kafka")
    .requiredOption('--log <url>', 'kafka://HOST:PORT,… as Telegraf reaches it')
    .option('--ca-file <file>', 'the certificate to trust, where Telegraf finds it')
    .option('--output <file>', 'where to write; default: standard output')
    .action(async (options) => (await import('./commands/telegraf-config.ts')).telegrafConfig(options));
}

function importDashboard(): Command {
  return streamCommand('import-dashboard', "put a stream's dashboard into InfluxDB; a second time changes nothing")
    .requiredOption('--store <url>', 'http://HOST:8086/ORG/BUCKET')
    .option('--output <file>', "write it as a template for InfluxDB's own import instead; needs no InfluxDB")
    .action(async (options) => (await import('./commands/import-dashboard.ts')).importStreamDashboard(options));
}

function serve(): Command {
  return withEndpoint(
    stageCommand('serve', "answer inference requests (Open Inference Protocol v2) with the line's model and imputer"),
  )
    .option('--port <port>', 'where to listen; 0 is any free one', port, 8081)
    .action(async (options) => (await import('./commands/stages.ts')).serveModel(options));
}

function gateway(): Command {
  const summary = 'users with roles who predict, train and update over HTTP';
  const command = new Command('gateway')
    .summary(summary)
    .description(summary)
    .requiredOption(
      '--config <file>',
      'the stream.yaml that defines a stream; repeated: one gateway for several streams, set up by the first',
      repeated,
    )
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
  return withStore(command).action(async (options) => (await import('./commands/gateway.ts')).runGateway(options));
}

function train(): Command {
  return withStore(
    streamCommand('train', 'train a new version of the model', {
      data: 'where state lives; or an export to train from: its folder, or s3://BUCKET/PREFIX',
    }),
  )
    .addOption(
      new Option('--from <source>', 'data: the CSV of stream.yaml; archive: readings with truth out of the store')
        .choices(['data', 'archive'])
        .default('data'),
    )
    .option(
      '--range <range>',
      'of the times of readings: -7d, or FROM..TO in RFC 3339; default: -7d of the archive, all of an export',
    )
    .option('--as-of <time>', 'the export as it was then, in RFC 3339, where the bucket keeps versions')
    .option(
      '--compare',
      'only try ways to make a model, and print how right each is by share of gaps, and the options that make it',
    )
    .option(
      '--cv <folds>',
      "cross-validation: accuracy, macro and weighted F1 and Youden's J by fold, whole devices in each where there are devices; the model itself learns from all rows",
      wholeNumber(2, 100),
    )
    .option('--promote-best', 'compare, then train in the best way and let that version serve')
    .action(async (options) => (await import('./commands/train.ts')).trainModel(options));
}

/** What the gateway starts for each training. */
function trainTask(): Command {
  return withStore(streamCommand('train-task', 'train as a task of the gateway, which starts this'))
    .requiredOption('--task <id>', 'its id')
    .addOption(new Option('--from <source>', 'as of train').choices(['data', 'archive']).default('data'))
    .option('--range <range>', 'of the archive', '-7d')
    .action(async (options) => (await import('./commands/train-task.ts')).trainTask(options));
}

function doctor(): Command {
  return withStore(
    logCommand('doctor', 'look at every part of a stack: what is well, what is broken, and the remedy'),
  ).action(async (options) => (await import('./commands/doctor.ts')).doctor(options));
}

function rewind(): Command {
  return logCommand(
    'rewind',
    'set a stage back in the log, so that it labels (or archives) again what arrived since a time',
  )
    .requiredOption('--to <time>', 'when they arrived: RFC 3339, or how long ago: -2h, -7d')
    .addOption(new Option('--stage <stage>', 'which one').choices(['classifier', 'archive']).default('classifier'))
    .option('--yes', 'do it; without, only print how many readings that is')
    .action(async (options) => (await import('./commands/rewind.ts')).rewind(options));
}

function exportCommand(): Command {
  return withStore(logCommand('export', 'write readings or predictions into a file, one row for each device and time'))
    .addArgument(
      new Argument('<what>', 'readings (of the archive) or predictions').choices(['readings', 'predictions']),
    )
    .requiredOption(
      '--to <place>',
      'FILE.csv, FILE.parquet or FILE.sqlite; what was there before is replaced when the new file is whole. Or, for readings by day and device, a folder with --format, or s3://BUCKET/PREFIX',
    )
    .addOption(
      new Option('--format <format>', 'of objects by day and device; default in a bucket: parquet').choices([
        'parquet',
        'csv',
      ]),
    )
    .option(
      '--range <range>',
      'of the times of readings: -7d, or FROM..TO in RFC 3339; by day and device, whole days; default: all',
    )
    .action(async (what, options) => (await import('./commands/export.ts')).exportTable(what, options));
}

function schedule(): Command {
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
  ).action(async (words, options) => (await import('./commands/schedule.ts')).scheduleCommand(words, options));
}

function predict(): Command {
  const summary = 'label the rows of a table in this process, without servers; prints a CSV';
  return new Command('predict')
    .summary(summary)
    .description(summary)
    .argument('<files...>', 'CSV in any layout, gzipped or not, or Parquet; several files of one table')
    .requiredOption('--config <file>', 'the stream.yaml that defines the stream')
    .option('--set <key=value>', 'override a key of it, or remove it by an empty value; may be repeated', repeated, [])
    .option('--model <version>', 'a number or an alias; default: the version that serves')
    .option('--json', 'print one JSON object a row instead')
    .option('--output <file>', 'where to write; default: standard output')
    .action(async (files, options) => (await import('./commands/predict.ts')).predictTable(files, options));
}

function tail(): Command {
  return logCommand('tail', 'print what arrives in a topic of a stream, record by record')
    .addArgument(new Argument('<what>', 'which topic').choices(tailed))
    .option('--device <name>', 'only the records of this device')
    .option('--since <time>', 'when they arrived: RFC 3339, or how long ago: -2h; default: from now on')
    .option('--no-follow', 'end where the topic ends now; without --since from its first record on')
    .option('--count <records>', 'end after so many', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--json', 'each record as it is in the log, one a line')
    .action(async (what, options) => (await import('./commands/tail.ts')).tailTopic(what, options));
}

function newStream(): Command {
  return new Command('new')
    .summary('make a stream from a table')
    .description(
      'looks at a table, guesses the label column, says what each column becomes, splits, trains, and prints the next command',
    )
    .argument('<name>', 'name of the stream, and of its folder')
    .requiredOption(
      '--data <file>',
      'CSV in any layout, gzipped or not, or Parquet; repeated: several files of one table',
      repeated,
    )
    .option('--truth <column>', 'the label column; default: guessed')
    .option('--device <column>', 'the column that names the device; default: by its name')
    .option('--time <column>', 'the column of the time; default: by its name')
    .option(
      '--keep <column>',
      'take it as a value although it looks like a counter or an id; may be repeated',
      repeated,
      [],
    )
    .option('--drop <column>', 'leave it out; may be repeated', repeated, [])
    .option(
      '--gap <word>',
      'a word of your own for "not measured", such as missing or -999; may be repeated; usual ones are known',
      repeated,
      [],
    )
    .addOption(
      new Option('--decimal <sign>', 'how numbers are written; default: as the table shows').choices(['.', ',']),
    )
    .addOption(
      new Option('--time-unit <unit>', 'what times count that are numbers; default: by their size').choices(timeUnits),
    )
    .option(
      '--window <duration>',
      'the rows are samples, such as vibration: label windows of this length, such as 1s; needs a column of times',
    )
    .option('--folder <folder>', 'where to make it; default: NAME, under examples/ where there is such a folder')
    .option('--quick', 'the plain way to make a model; without it a handful of ways are tried, in at most a minute')
    .action(async (name, options) => (await import('./commands/new.ts')).newStream(name, options));
}

/** A command that reads or writes the log of one stream. */
const logCommand = (name: string, summary: string): Command =>
  streamCommand(name, summary).option(
    '--log <url>',
    'kafka://HOST:PORT,… or a file; default: the embedded log under --data',
  );

function models(): Command {
  const load = () => import('./commands/models.ts');
  return new Command('models')
    .description('versions of a model: which there are, which one serves, how right they are')
    .addCommand(
      streamCommand('list', 'one line a version').action(async (options) => (await load()).listModels(options)),
    )
    .addCommand(
      streamCommand('show', 'what a version is, as JSON')
        .argument('<version>', 'a number or an alias')
        .option('--importance', 'how important its fields are, by what the splits on them gain')
        .option('--on <file>', 'how important they are, by the accuracy lost when each is shuffled in this CSV')
        .option('--repeats <count>', 'with --on: how often each field is shuffled', wholeNumber(1, 1_000), 5)
        .action(async (version, options) => (await load()).showModel(version, options)),
    )
    .addCommand(
      streamCommand('compare', 'how right versions are on the data to replay, by share of gaps')
        .argument('[versions...]', 'numbers or aliases; default: all')
        .action(async (versions, options) => (await load()).compareModels(versions, options)),
    )
    .addCommand(
      streamCommand('promote', 'let a version serve; a running line follows within 2 s')
        .argument('<version>', 'a number or an alias')
        .addOption(
          new Option('--if <figure>', 'only where it is better on the data to replay').choices(['accuracy', 'f1']),
        )
        .action(async (version, options) => (await load()).promoteModel(version, options)),
    )
    .addCommand(
      streamCommand('import', 'take in a model that was made elsewhere, as the next version')
        .argument(
          '<source>',
          "a file (ONNX, what ml-random-forest's toJSON() gives, or a logistic model), the address of a model server, or the folder of a version or of what a training could not register",
        )
        .option('--train <file>', 'CSV for what the model lacks: fields, what fills gaps, ranges; default: data.train')
        .option('--impute <kind>', 'what fills gaps; default: training.imputer')
        .option('--server-model <name>', 'of a model server: which of its models')
        .addOption(new Option('--protocol <protocol>', 'of a model server').choices(['v2', 'mlflow']))
        .option('--batch <rows>', 'of a model server: rows a request, at most', wholeNumber(1, 100_000))
        .option('--timeout <milliseconds>', 'of a model server: how long a request may take', wholeNumber(1, 600_000))
        .option(
          '--classes <names>',
          "the label column's names of the model's classes: 0=False,1=True, or all of them in the model's order; may be repeated",
          repeated,
          [],
        )
        .action(async (source, options) => (await load()).importFrom(source, options)),
    )
    .addCommand(
      streamCommand('rollback', 'give the line back to the version that served before').action(async (options) =>
        (await load()).rollbackModel(options),
      ),
    )
    .addCommand(
      streamCommand('history', 'which version served when: who changed it, and by which figure').action(
        async (options) => (await load()).listHistory(options),
      ),
    )
    .addCommand(
      streamCommand('challenge', 'let a version label the same readings in the shadow')
        .argument('<version>', 'a number or an alias; "none" ends it')
        .action(async (version, options) => (await load()).challengeModel(version, options)),
    );
}

function backup(): Command {
  return streamCommand('backup', 'copy the state of an embedded line, its stream and models; the line may run')
    .requiredOption('--to <folder>', 'where to; the folder must not be there yet')
    .action(async (options) => (await import('./commands/backup.ts')).backUp(options));
}

function restore(): Command {
  const summary = 'put a back-up where nothing is yet';
  return new Command('restore')
    .summary(summary)
    .description(summary)
    .argument('<backup>', 'the folder that `gapline backup` made')
    .option('--data <folder>', 'where state lives', 'data')
    .option('--folder <folder>', "where stream.yaml and the models go; default: the stream's name")
    .action(async (from, options) => (await import('./commands/backup.ts')).restore(from, options));
}

function tokens(): Command {
  const load = () => import('./commands/tokens.ts');
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

function deadLetters(): Command {
  return new Command('deadletters')
    .description('look at what could never be processed, and send it again')
    .addCommand(
      logCommand('list', 'one line a dead letter: where, when, who gave up, where it came from, why').action(
        async (options) => (await import('./commands/dead-letters.ts')).listDeadLetters(options),
      ),
    )
    .addCommand(
      logCommand('show', 'all of one dead letter')
        .argument('<id>', 'PARTITION/OFFSET, as list shows it')
        .action(async (id, options) => (await import('./commands/dead-letters.ts')).showDeadLetter(id, options)),
    )
    .addCommand(
      logCommand('replay', 'append dead letters once more to the topic that they came from')
        .argument('[ids...]', 'PARTITION/OFFSET, as list shows them')
        .option('--all', 'every dead letter that the log holds')
        .action(async (ids, options) => (await import('./commands/dead-letters.ts')).replayDeadLetters(ids, options)),
    );
}

function facts(): Command {
  const load = () => import('./commands/facts.ts');
  return new Command('facts')
    .description('what other systems know of devices: tell it from files, look at it, end it')
    .addCommand(
      logCommand('import', 'tell the facts of a file: NDJSON as POST /facts takes it, or with --kind a table')
        .argument('<file>', 'NDJSON; or CSV in any layout, gzipped or not, or Parquet')
        .option('--kind <kind>', 'the kind of all facts of a table')
        .option('--subject <column>', 'of a table: a column by its name, or by its place from 1 on', '1')
        .option('--from <column>', 'where a fact begins; default: it holds from 1900 on')
        .option('--to <column>', 'where it ends; an empty cell is one that still holds')
        .option('--value <name=column>', 'a value of the fact and its column; may be repeated', repeated, [])
        .addOption(
          new Option('--date-order <order>', 'which of 03/04/2026 is the day').choices(['dmy', 'mdy']).default('dmy'),
        )
        .option('--print', 'only print them as NDJSON, for data.facts of stream.yaml')
        .action(async (file, options) => (await load()).importFacts(file, options)),
    )
    .addCommand(
      logCommand('list', 'one line a fact: the last of each identity')
        .option('--subject <subject>', 'only of this device')
        .option('--kind <kind>', 'only of this kind')
        .action(async (options) => (await load()).listFacts(options)),
    )
    .addCommand(
      logCommand('end', 'end the fact of a kind that holds for a subject')
        .argument('<subject>', 'the device')
        .argument('<kind>', 'the kind of fact')
        .option('--at <time>', 'when: RFC 3339; default: now')
        .action(async (subject, kind, options) => (await load()).endFact(subject, kind, options)),
    );
}

function up(): Command {
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
      (await import('./commands/up.ts')).up({ ...options, config }),
    );
}
