import { existsSync } from 'node:fs';
import { subjectOfKey } from '../../core/wire/fact.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { GroupCommit } from '../group-commit.ts';
import { createSpools, type SpoolFiles, type SpoolsOptions } from '../spools.ts';

export interface FactsIntakeOptions extends Pick<SpoolsOptions, 'log' | 'metrics' | 'logger' | 'nowMs' | 'deadlineMs'> {
  readonly stream: Stream;
  /** That of the readings; facts have one beside it. */
  readonly spool: SpoolFiles | undefined;
}

/** Makes facts durable as readings are made durable: in groups, in their own topic, and meanwhile in a spool of their own. */
export function createFactsIntake({ stream, spool, ...options }: FactsIntakeOptions) {
  const spools = createSpools({
    ...options,
    topic: stream.topics.facts,
    restored: (record) => ({ ...record, partitionKey: subjectOfKey(record.key ?? '') }),
    files: stream.facts && spool && filesBeside(spool),
  });
  const groups = new GroupCommit({
    commit: (records) => spools.intake.commit(records),
    maxGroupBytes: 4_000_000,
    unsettled: (error) => options.logger.error({ err: error }, 'a request was not answered'),
  });
  return { groups, start: spools.start, stop: spools.stop };
}

function filesBeside({ file, leftovers = [], ...rest }: SpoolFiles): SpoolFiles {
  const beside = (of: string) => `${of}.facts`;
  return { ...rest, file: beside(file), leftovers: leftovers.map(beside).filter((left) => existsSync(left)) };
}
