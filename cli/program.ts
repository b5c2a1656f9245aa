import { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { refuseRepeats } from './once.ts';
import { models, newStream, predict, train, trainTask } from './program/models.ts';
import { doctor, importDashboard, schedule, telegrafConfig, tokens } from './program/operation.ts';
import { backup, deadLetters, exportCommand, facts, restore, rewind, tail } from './program/records.ts';
import { alerts, archive, classify, collect, dashboard, gateway, generate, serve, up } from './program/stages.ts';

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
