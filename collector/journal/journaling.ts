import { existsSync, rmSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Commit } from '../group-commit.ts';
import type { Intake } from '../intake.ts';
import type { CollectorMetrics } from '../metrics.ts';
import { Journal } from './journal.ts';
import { JournaledCommit } from './journaled-commit.ts';

export interface JournalFiles {
  readonly file: string;
  /** Whether readings are acknowledged when it has them. Where not, it is emptied and removed. */
  readonly used: boolean;
  /** Journals of workers that no longer exist. */
  readonly leftovers?: readonly string[];
}

/** The journal of a collector, where it has one. */
export interface Journaling {
  readonly commit: Commit;
  /** Readings that only the journal has. */
  readonly waiting: number;
  /** Takes over what an earlier process left. To be called when the intake has started: nobody else has the files then. */
  start(): void;
  stop(): Promise<void>;
}

/** Puts a journal before an intake, or only takes over what one left. */
export function createJournaling(
  { file, used, leftovers = [] }: JournalFiles,
  intake: Intake,
  { metrics, logger }: { readonly metrics: CollectorMetrics; readonly logger: Logger },
): Journaling {
  let open: { journal: Journal; journaled: JournaledCommit } | undefined;
  const commit: Commit = (records) => intake.commit(records);

  /** Opens a journal; what was left in it is in the spool then. */
  function takeOver(path: string): Journal {
    const journal = new Journal(path);
    const { records, lost } = journal.left;
    if (records.length > 0) intake.keep(records);
    if (lost > 0) {
      metrics.lost(lost);
      logger.error({ file: path, readings: lost }, 'the disk damaged readings of the journal; they are lost');
    }
    journal.confirmLeft();
    return journal;
  }

  return {
    commit: (records) => (open ? open.journaled.commit(records) : commit(records)),
    get waiting() {
      return open?.journal.waiting ?? 0;
    },
    start() {
      for (const path of used ? leftovers : [file, ...leftovers]) {
        if (!existsSync(path)) continue;
        takeOver(path).close();
        rmSync(path);
      }
      if (!used) return;
      const journal = takeOver(file);
      open = { journal, journaled: new JournaledCommit({ journal, commit, journaled: metrics.journaled, logger }) };
    },
    async stop() {
      await open?.journaled.stop();
      open?.journal.close();
      open = undefined;
    },
  };
}
