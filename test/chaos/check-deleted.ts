import type { Broken } from './check-windows.ts';

/** What topics held when a fault deleted them: identities by partition, in the order of their offsets. */
export interface DeletedRecords {
  readonly readings: readonly (readonly string[])[];
  readonly predictions: readonly (readonly string[])[];
}

/**
 * What a deletion destroyed before it was read: by identity, how often. A reader goes through a partition in order, so only the end of
 * what a partition held can be unread; whatever is missing before a record that was read is lost.
 *
 * @param isMissing - whether a record with this identity has no outcome
 * @param standsTwice - whether another record has this identity: the outcome of either shows nothing of the other. A sender whose append
 *   was under way when the topic was deleted appends it to the new one.
 */
export function unreadAtDeletion(
  partitions: readonly (readonly string[])[],
  isMissing: (identity: string) => boolean,
  standsTwice: (identity: string) => boolean = () => false,
): ReadonlyMap<string, number> {
  const unread = new Map<string, number>();
  for (const partition of partitions) {
    for (const identity of partition.toReversed()) {
      if (isMissing(identity)) unread.set(identity, (unread.get(identity) ?? 0) + 1);
      else if (!standsTwice(identity)) break;
    }
  }
  return unread;
}

/** How many records were destroyed unread, by the reader who did not come to them. */
export interface DestroyedCounts {
  readonly unlabelled: number;
  readonly unarchived: number;
  readonly unforwarded: number;
}

export const total = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((sum, count) => sum + count, 0);

/** A reader is never far behind where the log is well: more than this unread at a deletion would hide what was lost. */
const maxUnreadShare = 0.5;

/** A deletion may not explain everything: of what deleted topics held, most must have been read. */
export function checkDeletedMostlyRead(
  { readings, predictions }: DeletedRecords,
  { unlabelled, unarchived, unforwarded }: DestroyedCounts,
  broken: Broken,
): void {
  const held = readings.reduce((sum, { length }) => sum + length, 0);
  const labelled = predictions.reduce((sum, { length }) => sum + length, 0);
  const wrong = [
    ...(unlabelled > held * maxUnreadShare ? [`${unlabelled} of ${held} readings had no label`] : []),
    ...(unarchived > held * maxUnreadShare ? [`${unarchived} of ${held} readings were not archived`] : []),
    ...(unforwarded > labelled * maxUnreadShare ? [`${unforwarded} of ${labelled} predictions were no points`] : []),
  ];
  broken('most of what a deleted topic held had been read', wrong);
}
