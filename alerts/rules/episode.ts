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
  /** Of a run that is to last for some time: what tells whether the clock that measures it was set back. */
  readonly clock?: RunClock;
}

/** The times of a run, in nanoseconds. */
export interface RunClock {
  /** The largest time that was measured. */
  readonly latest: bigint;
  /** When the first of them was received, or a later one where that clock was set back, too. */
  readonly received: bigint;
  /** A reading was older than one before it. */
  readonly wasSetBack: boolean;
}

/** When something was measured or happened, and when it was received, in nanoseconds. */
export interface Moment {
  readonly at: bigint;
  readonly received: bigint;
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
 * resolved when `recover` in a row do not match. Where a clock is set back meanwhile, the times when they were received count, too: by the
 * clock alone nothing would fire until it is again where it was. Depends on nothing but its arguments, so that a replay gives the same.
 * @param record - that says so
 */
export function nextEpisode(
  before: Episode | undefined,
  matches: boolean,
  moment: Moment,
  rule: Persistence,
  record: StoredRecord,
): Step {
  return before?.firing ? whileFiring(before, matches, rule) : whileQuiet(before, matches, moment, rule, record);
}

function whileQuiet(
  before: Episode | undefined,
  matches: boolean,
  moment: Moment,
  rule: Persistence,
  record: StoredRecord,
): Step {
  if (!matches) return { next: undefined };
  const since = before?.since ?? moment.at;
  const run = Math.min((before?.run ?? 0) + 1, rule.readings);
  const clock = rule.forNs === 0n ? undefined : clockAfter(before, moment);
  if (run < rule.readings || (clock && heldNs(since, clock, moment) < rule.forNs))
    return { next: { since, run, firing: false, ...(clock && { clock }) } };
  const origin = originOf(record);
  return { next: { since, run: 0, firing: true, origin }, change: { state: 'firing', since, origin } };
}

function clockAfter(before: Episode | undefined, { at, received }: Moment): RunClock {
  if (!before) return { latest: at, received, wasSetBack: false };
  const { latest, received: first, wasSetBack } = before.clock ?? { latest: before.since, received, wasSetBack: false };
  return {
    latest: at > latest ? at : latest,
    received: received < first ? received : first,
    wasSetBack: wasSetBack || at < latest,
  };
}

/** For how long all of a run has matched. */
function heldNs(since: bigint, clock: RunClock, { at, received }: Moment): bigint {
  const measured = at - since;
  const waited = received - clock.received;
  return clock.wasSetBack && waited > measured ? waited : measured;
}

function whileFiring(before: Episode, matches: boolean, { recover }: Persistence): Step {
  if (matches) return { next: before.run === 0 ? before : { ...before, run: 0 } };
  const run = before.run + 1;
  if (run < recover) return { next: { ...before, run } };
  return { next: undefined, change: { state: 'resolved', since: before.since, origin: before.origin ?? '' } };
}
