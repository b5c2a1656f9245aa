import { classifierGroup } from '../../classifier/classifier.ts';
import { archiveGroup } from '../../collector/archive.ts';
import { type EventLog, type Rewound, totalLag } from '../../core/log/port.ts';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { openLog } from '../open.ts';
import { print as printText } from '../print.ts';
import { readSince } from '../since.ts';
import { resolveStream } from '../stream.ts';

export interface RewindOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
  readonly to: string;
  readonly stage: 'classifier' | 'archive';
  readonly yes?: boolean;
}

const consequences = {
  classifier:
    'They are labelled again: the points of their predictions are overwritten, and the topic of predictions holds a second record of each.',
  archive: 'They are written to the store again, over what it has of them.',
};

/**
 * Sets a stage back in the log, so that it takes once more what arrived since a time. Without `--yes` it only prints how many readings
 * that is.
 */
export async function rewind(options: RewindOptions): Promise<void> {
  const { to, stage, yes = false } = options;
  const sinceMs = readSince('--to', to, Date.now());
  const stream = await resolveStream(loadConfig(options.config, options.set));
  const group = stage === 'classifier' ? classifierGroup(stream) : archiveGroup(stream);
  const logger = await createLogger(options.logLevel);
  const log = await openLog({ url: options.log, dataFolder: options.data, logger });
  await log.start();
  try {
    const moved = await log.rewind(group, [stream.topics.readings], sinceMs, { dryRun: !yes });
    await tell(log, moved, { ...options, yes, group, sinceMs });
  } finally {
    await log.stop();
  }
}

interface Told extends RewindOptions {
  readonly yes: boolean;
  readonly group: string;
  readonly sinceMs: number;
}

async function tell(log: EventLog, moved: readonly Rewound[], told: Told): Promise<void> {
  const { stage, yes, group, sinceMs } = told;
  const print = (line: string) => void printText(`${line}\n`);
  const count = moved.reduce((sum, { from, to }) => sum + Number(from - to), 0);
  const since = new Date(sinceMs).toISOString();
  if (count === 0) return print(`${group} has taken no reading that arrived since ${since}: there is nothing to do`);
  if (!yes) {
    return print(
      `${group} would take ${count} readings again that arrived since ${since}. ${consequences[stage]} To do it: stop the ${stage}, add --yes`,
    );
  }
  const behind = totalLag(await log.lag(group, [...new Set(moved.map(({ topic }) => topic))]));
  print(
    `${group} is set back by ${count} readings, to ${since}. ${consequences[stage]} Start the ${stage}: ${behind} are before it`,
  );
}
