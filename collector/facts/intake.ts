import type { Logger } from 'pino';
import { subjectOfKey } from '../../core/wire/fact.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { type Admission, createAdmission } from '../admission.ts';
import type { Commit } from '../group-commit.ts';
import { type CollectorSpoolFiles, createSpools, type SpoolFiles, type Spools, type SpoolsOptions } from '../spools.ts';

export interface FactsIntakeOptions extends Pick<SpoolsOptions, 'log' | 'metrics' | 'logger' | 'nowMs' | 'deadlineMs'> {
  readonly stream: Stream;
  /** That of the readings; facts have one beside it. */
  readonly spool: CollectorSpoolFiles | undefined;
  /** Memory for readings; facts have a part of as much beside it. */
  readonly maxWaitingBytes: number;
}

export interface FactsIntake {
  readonly admission: Admission;
  /** Where facts wait that the log does not take; undefined where another process keeps them. */
  readonly spools: Spools | undefined;
  start(): void;
  stop(): Promise<void>;
}

/** Makes facts durable as readings are made durable: in groups, in their own topic, and meanwhile in a spool of their own. */
export function createFactsIntake({ stream, spool, maxWaitingBytes, ...options }: FactsIntakeOptions): FactsIntake {
  const spools = createSpools({
    ...options,
    topic: stream.topics.facts,
    restored: (record) => ({ ...record, partitionKey: subjectOfKey(record.key ?? '') }),
    files: stream.facts && spool && filesBeside(spool),
    leftoversFirst: true,
  });
  const commit: Commit = (records) => spools.commit(records);
  return { admission: admit(commit, maxWaitingBytes, options.logger), spools, start: spools.start, stop: spools.stop };
}

/** The facts of one of several workers: the primary process makes them durable, so that those of all workers have one order. */
export function createFactsOfWorker(commit: Commit, maxWaitingBytes: number, logger: Logger): FactsIntake {
  const admission = admit(commit, maxWaitingBytes, logger);
  return { admission, spools: undefined, start: () => {}, stop: async () => {} };
}

const admit = (commit: Commit, maxWaitingBytes: number, logger: Logger): Admission =>
  createAdmission({
    ...{ commit, logger, nowMs: () => performance.now() },
    maxWaitingBytes: maxWaitingBytes * shareOfFacts,
  });

/** Facts are few: 32 MB where readings have 64. */
const shareOfFacts = 0.5;

const filesBeside = ({ file, leftoverFacts = [], maxBytes }: CollectorSpoolFiles): SpoolFiles => ({
  ...{ file: `${file}.facts`, leftovers: leftoverFacts },
  ...(maxBytes !== undefined && { maxBytes }),
});
