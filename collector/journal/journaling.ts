import { existsSync, rmSync } from 'node:fs';
import type { Logger } from 'pino';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import type { Commit } from '../group-commit.ts';
import type { Intake } from '../intake.ts';
import type { CollectorMetrics } from '../metrics.ts';
import type { Spool } from '../spool/spool.ts';
import { Journal } from './journal.ts';
import { JournaledCommit } from './journaled-commit.ts';

/** The journal of a spool. */
export const journalBeside = (spoolFile: string): string => `${spoolFile.replace(/\.db$/, '')}.journal`;

interface Reporting {
  readonly metrics: Pick<CollectorMetrics, 'lost' | 'journaled'>;
  readonly logger: Logger;
}

/** Opens a journal; what was left in it is in the spool then. To be called when the intake has started: nobody else has the files then. */
function takeOver(file: string, intake: Intake, { metrics, logger }: Reporting): Journal {
  const journal = new Journal(file);
  const { records, lost } = journal.left;
  try {
    if (records.length > 0) intake.keep(records);
  } catch (cause) {
    journal.close();
    const detail = `what ${file} holds cannot be put into the spool: ${describeError(cause)}`;
    throw new GaplineError('journal-unusable', detail, { cause });
  }
  if (lost > 0) {
    metrics.lost(lost);
    logger.error({ file, readings: lost }, 'the disk damaged readings of the journal; they are lost');
  }
  journal.confirmLeft();
  return journal;
}

/** Takes over a journal that is not used any more, and removes it. */
export function emptyJournal(file: string, intake: Intake, reporting: Reporting): void {
  if (!existsSync(file)) return;
  takeOver(file, intake, reporting).close();
  rmSync(file);
}

/** A journal before an intake. */
export interface Journaling {
  readonly commit: Commit;
  /** Readings that only the journal has. */
  readonly waiting: number;
  /** Takes over what an earlier process left. To be called when the intake has started. */
  start(): void;
  stop(): Promise<void>;
}

export function createJournaling(file: string, intake: Intake, spool: Spool, reporting: Reporting): Journaling {
  let open: { journal: Journal; journaled: JournaledCommit } | undefined;
  return {
    commit: (records) => (open?.journaled ?? intake).commit(records),
    get waiting() {
      return open?.journal.waiting ?? 0;
    },
    start() {
      const journal = takeOver(file, intake, reporting);
      const commit: Commit = (records) => intake.commit(records);
      const { metrics, logger } = reporting;
      const hasSpace = () => spool.hasSpace;
      open = {
        journal,
        journaled: new JournaledCommit({ journal, commit, hasSpace, journaled: metrics.journaled, logger }),
      };
    },
    async stop() {
      try {
        await open?.journaled.stop();
      } finally {
        open?.journal.close();
        open = undefined;
      }
    },
  };
}
