import { existsSync } from 'node:fs';
import { subjectOfKey } from '../../core/wire/fact.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { createAdmission } from '../admission.ts';
import { createSpools, type SpoolFiles, type SpoolsOptions } from '../spools.ts';

export interface FactsIntakeOptions extends Pick<SpoolsOptions, 'log' | 'metrics' | 'logger' | 'nowMs' | 'deadlineMs'> {
  readonly stream: Stream;
  /** That of the readings; facts have one beside it. */
  readonly spool: SpoolFiles | undefined;
  /** Memory for readings; facts have a part of as much beside it. */
  readonly maxWaitingBytes: number;
}

/** Makes facts durable as readings are made durable: in groups, in their own topic, and meanwhile in a spool of their own. */
export function createFactsIntake({ stream, spool, maxWaitingBytes, ...options }: FactsIntakeOptions) {
  const spools = createSpools({
    ...options,
    topic: stream.topics.facts,
    restored: (record) => ({ ...record, partitionKey: subjectOfKey(record.key ?? '') }),
    files: stream.facts && spool && filesBeside(spool),
  });
  const admission = createAdmission({
    commit: (records) => spools.intake.commit(records),
    maxWaitingBytes: maxWaitingBytes * shareOfFacts,
    logger: options.logger,
    nowMs: () => performance.now(),
  });
  return { admission, start: spools.start, stop: spools.stop };
}

/** Facts are few: 32 MB where readings have 64. */
const shareOfFacts = 0.5;

function filesBeside({ file, leftovers = [], ...rest }: SpoolFiles): SpoolFiles {
  const beside = (of: string) => `${of}.facts`;
  return { ...rest, file: beside(file), leftovers: leftovers.map(beside).filter((left) => existsSync(left)) };
}
