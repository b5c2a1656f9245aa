import { rmSync } from 'node:fs';
import type { Status } from '../core/wire/status.ts';
import type { Commit } from './group-commit.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { createJournaling, emptyJournal, type Journaling, journalBeside } from './journal/journaling.ts';
import { Spool, type SpoolSize } from './spool/spool.ts';

export interface SpoolFiles {
  readonly file: string;
  /** Default 1 GB. */
  readonly maxBytes?: number;
  /** Spools that only empty: of workers that no longer exist. */
  readonly leftovers?: readonly string[];
  /** Whether a journal beside the spool acknowledges small groups. Default false: what one holds goes to the spool. */
  readonly journaled?: boolean;
}

export interface SpoolsOptions extends Omit<IntakeOptions, 'spool'> {
  readonly files: SpoolFiles | undefined;
  /** Whether what spools of workers that no longer exist hold comes before all that is accepted now. Default false: only records of one spool have an order. */
  readonly leftoversFirst?: boolean;
}

/** Where readings become durable, and the spools with what waits in them. */
export interface Spools {
  readonly own: Spool | undefined;
  readonly intake: Intake;
  /** Makes records durable: in the log, the spool, or the journal. */
  readonly commit: Commit;
  /** Undefined where there is none. */
  readonly journaling: Journaling | undefined;
  /** Of all of them together; undefined where there is none. */
  readonly size: SpoolSize | undefined;
  readonly drainedPerSecond: number;
  start(): void;
  stop(): Promise<void>;
}

/** What a collector is told of its spools: those of facts stand beside those of readings. */
export interface CollectorSpoolFiles extends SpoolFiles {
  /** Spools of facts that workers of an earlier version left, each with its own. */
  readonly leftoverFacts?: readonly string[];
}

/** The intake with its spool, and the spools of workers that no longer exist; these are removed once the log has what they held. */
export function createSpools({ files, leftoversFirst = false, ...options }: SpoolsOptions): Spools {
  const { logger, metrics, nowMs } = options;
  const open = (file: string) =>
    new Spool({ file, maxBytes: files?.maxBytes ?? 1_000_000_000, logger, lost: metrics.lost, nowMs });
  const own = files && open(files.file);
  const leftovers = (files?.leftovers ?? []).map((file) => {
    const spool = open(file);
    return { file, spool, intake: new Intake({ ...options, spool }) };
  });
  const before = leftoversFirst ? leftovers.map(({ spool }) => spool) : [];
  const intake = new Intake({ ...options, spool: own, before });
  const journaling =
    files?.journaled && own ? createJournaling(journalBeside(files.file), intake, own, options) : undefined;
  return {
    own,
    intake,
    commit: journaling ? journaling.commit : (records) => intake.commit(records),
    journaling,
    get size() {
      return own && sumSizes([own.size, ...leftovers.map(({ spool }) => spool.size)]);
    },
    get drainedPerSecond() {
      return leftovers.reduce((sum, each) => sum + each.intake.drainedPerSecond, intake.drainedPerSecond);
    },
    start() {
      // Opened first: what they hold may come before what is accepted now.
      for (const each of leftovers) {
        each.intake.start();
        emptyJournal(journalBeside(each.file), each.intake, options);
      }
      intake.start();
      if (journaling) journaling.start();
      else if (files) emptyJournal(journalBeside(files.file), intake, options);
    },
    async stop() {
      try {
        await journaling?.stop();
      } finally {
        await intake.stop();
      }
      for (const each of leftovers) {
        await each.intake.stop();
        if (each.spool.empty) for (const end of ['', '-journal']) rmSync(`${each.file}${end}`, { force: true });
      }
    },
  };
}

/** What waits in the spools of several topics; undefined where there is none. */
export function sizeOf(all: readonly Spools[]): SpoolSize | undefined {
  const sizes = all.flatMap(({ size }) => (size ? [size] : []));
  return sizes.length === 0 ? undefined : sumSizes(sizes);
}

export const drainedPerSecondOf = (all: readonly Spools[]): number =>
  all.reduce((sum, each) => sum + each.drainedPerSecond, 0);

/** The spools of several topics, as the status of the collector reports them. */
export function reportSpools(all: readonly Spools[], nowMs: number): Pick<Status, 'spool' | 'lastError'> {
  const size = sizeOf(all);
  const lastError = all.find(({ intake }) => intake.lastError)?.intake.lastError;
  return {
    ...(size && {
      spool: {
        ...{ records: size.records, bytes: size.bytes, drainedPerSecond: drainedPerSecondOf(all) },
        oldestMs: size.oldest === undefined ? 0 : Math.max(0, nowMs - size.oldest),
      },
    }),
    ...(lastError && { lastError }),
  };
}

function sumSizes(sizes: readonly SpoolSize[]): SpoolSize {
  const oldest = sizes.flatMap((size) => (size.oldest === undefined ? [] : [size.oldest]));
  return {
    records: sizes.reduce((sum, { records }) => sum + records, 0),
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    oldest: oldest.length === 0 ? undefined : Math.min(...oldest),
  };
}
