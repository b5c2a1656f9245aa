import type { StoredRecord } from '../../core/log/port.ts';

/** What a rule remembers of one subject. Immutable: a step gives the next one. */
export interface Episode {
  /** When the run of readings that match began, in nanoseconds; of an alert that fires, its `since`. */
  readonly since: bigint;
  /** So many in a row that match; of an alert that fires, that do not. */
  readonly run: number;
  readonly firing: boolean;
  /** Of an alert that fires: the record of the log that raised it. */
  readonly origin?: string;
}

export interface Persistence {
  readonly readings: number;
  readonly forNs: bigint;
  readonly recover: number;
}

/** The next episode, undefined where there is nothing to remember; and what it means. */
export interface Step {
  readonly next: Episode | undefined;
  readonly change?: { readonly state: 'firing' | 'resolved'; readonly since: bigint; readonly origin: string };
}

/** A record, as the origin of an alert: the same whenever the record is read again. */
export const originOf = ({ partition, offset }: Pick<StoredRecord, 'partition' | 'offset'>): string =>
  `${partition}/${offset}`;

/**
 * One reading or tick later: an alert fires when `readings` in a row match and the first of them is `forNs` older than the last; it is
 * resolved when `recover` in a row do not match. Depends on nothing but its arguments, so that a replay gives the same.
 * @param at - when it was measured or happened, in nanoseconds
 * @param record - that says so
 */
export function nextEpisode(
  before: Episode | undefined,
  matches: boolean,
  at: bigint,
  rule: Persistence,
  record: StoredRecord,
): Step {
  return before?.firing ? whileFiring(before, matches, rule) : whileQuiet(before, matches, at, rule, record);
}

function whileQuiet(
  before: Episode | undefined,
  matches: boolean,
  at: bigint,
  rule: Persistence,
  record: StoredRecord,
): Step {
  if (!matches) return { next: undefined };
  const since = before?.since ?? at;
  const run = Math.min((before?.run ?? 0) + 1, rule.readings);
  if (run < rule.readings || at - since < rule.forNs) return { next: { since, run, firing: false } };
  const origin = originOf(record);
  return { next: { since, run: 0, firing: true, origin }, change: { state: 'firing', since, origin } };
}

function whileFiring(before: Episode, matches: boolean, { recover }: Persistence): Step {
  if (matches) return { next: before.run === 0 ? before : { ...before, run: 0 } };
  const run = before.run + 1;
  if (run < recover) return { next: { ...before, run } };
  return { next: undefined, change: { state: 'resolved', since: before.since, origin: before.origin ?? '' } };
}
