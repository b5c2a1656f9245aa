import { Argument, Command, Option } from 'commander';
import { repeated } from '../once.ts';
import { logCommand, streamCommand, wholeNumber, withStore } from './options.ts';

// The commands for what stands in the log and the store.

/** What `gapline tail` can follow. */
const tailed = ['readings', 'predictions', 'deadletters', 'facts', 'shadow', 'status'];

export function tail(): Command {
  return logCommand('tail', 'print what arrives in a topic of a stream, record by record')
    .addArgument(new Argument('<what>', 'which topic').choices(tailed))
    .option('--device <name>', 'only the records of this device')
    .option('--since <time>', 'when they arrived: RFC 3339, or how long ago: -2h; default: from now on')
    .option('--no-follow', 'end where the topic ends now; without --since from its first record on')
    .option('--count <records>', 'end after so many', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--json', 'each record as it is in the log, one a line')
    .action(async (what, options) => (await import('../commands/tail.ts')).tailTopic(what, options));
}

export function exportCommand(): Command {
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
    .action(async (what, options) => (await import('../commands/export.ts')).exportTable(what, options));
}

export function facts(): Command {
  const load = () => import('../commands/facts.ts');
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

export function deadLetters(): Command {
  return new Command('deadletters')
    .description('look at what could never be processed, and send it again')
    .addCommand(
      logCommand('list', 'one line a dead letter: where, when, who gave up, where it came from, why').action(
        async (options) => (await import('../commands/dead-letters.ts')).listDeadLetters(options),
      ),
    )
    .addCommand(
      logCommand('show', 'all of one dead letter')
        .argument('<id>', 'PARTITION/OFFSET, as list shows it')
        .action(async (id, options) => (await import('../commands/dead-letters.ts')).showDeadLetter(id, options)),
    )
    .addCommand(
      logCommand('replay', 'append dead letters once more to the topic that they came from')
        .argument('[ids...]', 'PARTITION/OFFSET, as list shows them')
        .option('--all', 'every dead letter that the log holds')
        .action(async (ids, options) => (await import('../commands/dead-letters.ts')).replayDeadLetters(ids, options)),
    );
}

export function rewind(): Command {
  return logCommand(
    'rewind',
    'set a stage back in the log, so that it labels (or archives) again what arrived since a time',
  )
    .requiredOption('--to <time>', 'when they arrived: RFC 3339, or how long ago: -2h, -7d')
    .addOption(new Option('--stage <stage>', 'which one').choices(['classifier', 'archive']).default('classifier'))
    .option('--yes', 'do it; without, only print how many readings that is')
    .action(async (options) => (await import('../commands/rewind.ts')).rewind(options));
}

export function backup(): Command {
  return streamCommand('backup', 'copy the state of an embedded line, its stream and models; the line may run')
    .requiredOption('--to <folder>', 'where to; the folder must not be there yet')
    .action(async (options) => (await import('../commands/backup.ts')).backUp(options));
}

export function restore(): Command {
  const summary = 'put a back-up where nothing is yet';
  return new Command('restore')
    .summary(summary)
    .description(summary)
    .argument('<backup>', 'the folder that `gapline backup` made')
    .option('--data <folder>', 'where state lives', 'data')
    .option('--folder <folder>', "where stream.yaml and the models go; default: the stream's name")
    .action(async (from, options) => (await import('../commands/backup.ts')).restore(from, options));
}
