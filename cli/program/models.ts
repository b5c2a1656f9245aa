import { Command, Option } from 'commander';
import { timeUnits } from '../../core/dataset/time-cell.ts';
import { repeated } from '../once.ts';
import { logCommand, streamCommand, wholeNumber, withStore } from './options.ts';

// The commands for models: from a table to a version that serves.

export function newStream(): Command {
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
    .action(async (name, options) => (await import('../commands/new.ts')).newStream(name, options));
}

export function train(): Command {
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
    .action(async (options) => (await import('../commands/train.ts')).trainModel(options));
}

/** What the gateway starts for each training. */
export function trainTask(): Command {
  return withStore(streamCommand('train-task', 'train as a task of the gateway, which starts this'))
    .requiredOption('--task <id>', 'its id')
    .addOption(new Option('--from <source>', 'as of train').choices(['data', 'archive']).default('data'))
    .option('--range <range>', 'of the archive', '-7d')
    .action(async (options) => (await import('../commands/train-task.ts')).trainTask(options));
}

export function predict(): Command {
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
    .action(async (files, options) => (await import('../commands/predict.ts')).predictTable(files, options));
}

const scoredOn = 'an export to score on, of a split one its test part';

export function models(): Command {
  const load = () => import('../commands/models.ts');
  return new Command('models')
    .description('versions of a model: which there are, which one serves, how right they are')
    .addCommand(
      streamCommand('list', 'one line a version').action(async (options) => (await load()).listModels(options)),
    )
    .addCommand(
      streamCommand('show', 'what a version is, as JSON')
        .argument('<version>', 'a number, an alias, or a run of MLflow: runs:/ID')
        .option('--importance', 'how important its fields are, by what the splits on them gain')
        .option('--on <file>', 'how important they are, by the accuracy lost when each is shuffled in this CSV')
        .option('--repeats <count>', 'with --on: how often each field is shuffled', wholeNumber(1, 1_000), 5)
        .action(async (version, options) => (await load()).showModel(version, options)),
    )
    .addCommand(
      streamCommand('compare', 'how right versions are on the data to replay, by share of gaps', {
        data: `${scoredOn}: its folder, or s3://BUCKET/PREFIX; default: the data to replay`,
      })
        .argument('[versions...]', 'numbers, aliases, or runs of MLflow; default: all')
        .action(async (versions, options) => (await load()).compareModels(versions, options)),
    )
    .addCommand(
      logCommand('promote', 'let a version serve; a running line follows within 2 s', {
        data: `with --since: where state lives; with --if alone: ${scoredOn}, in place of the data to replay`,
      })
        .argument('<version>', 'a number, an alias, or a run of MLflow: runs:/ID')
        .addOption(
          new Option(
            '--if <figure>',
            'only where it is better on the data to replay or the export of --data, or with --since in the line',
          ).choices(['accuracy', 'f1']),
        )
        .option(
          '--since <time>',
          'with --if: judge by what champion and challenger labelled in the line since then, where the truth is known: a time, or how long ago: 1h',
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
        .argument('<version>', 'a number, an alias, or a run of MLflow: runs:/ID; "none" ends it')
        .action(async (version, options) => (await load()).challengeModel(version, options)),
    );
}
