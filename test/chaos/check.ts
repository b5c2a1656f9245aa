import {
  checkDeletedMostlyRead,
  type DeletedRecords,
  type DestroyedCounts,
  total,
  unreadAtDeletion,
} from './check-deleted.ts';
import { checkFacts, type FactCounts, type FactEvidence } from './check-facts.ts';
import { type Broken, checkWindows, type WindowCounts, type WindowEvidence } from './check-windows.ts';

/** What a prediction said of one reading; two predictions of one identity are told apart by it. */
export interface Said {
  readonly identity: string;
  /** The model's version and the label. */
  readonly said: string;
}

/** Everything that is known after a campaign, as identities: (device, time) within one stream. Lists hold an identity as often as it was found. */
export interface Evidence {
  /** What the collector answered 202 for, whether or not the answer arrived; and what the devices' ledger says. */
  readonly acknowledged: ReadonlySet<string>;
  /** What devices sent at all. */
  readonly sent: ReadonlySet<string>;
  /** How often a device sent an identity again after an attempt whose answer was lost. */
  readonly resent: ReadonlyMap<string, number>;
  /** Readings that collectors counted as perhaps twice in the log. */
  readonly possibleExtras: number;
  /** The readings topic, as a read-committed consumer sees it. */
  readonly records: readonly string[];
  /** The predictions topic, as a read-committed consumer sees it: labels of aborted batches are not in it. */
  readonly predictions: readonly Said[];
  /** Dead letters of the classifier. */
  readonly deadLetters: readonly string[];
  /** Records that classifiers counted as skipped. */
  readonly skips: number;
  /** Points that the archive makes of the records: one of a reading, several of a record of many samples. */
  readonly archivable: readonly string[];
  /** Points of readings in the store. */
  readonly archived: readonly string[];
  /** Points of predictions in the store. */
  readonly points: readonly Said[];
  /** Acknowledged readings that sat in a part of the spool which the campaign damaged. */
  readonly excused: ReadonlySet<string>;
  /** Readings that collectors said a disk damaged. */
  readonly toldLost: number;
  /** What topics held when a fault deleted them; it is in `records` and `predictions`, too. */
  readonly deleted?: DeletedRecords;
  /** Where the model has steps: then windows have predictions, not records. */
  readonly windows?: WindowEvidence;
  /** Where the model has facts: then a record may wait for one. */
  readonly facts?: FactEvidence;
}

/** A promise that was broken, how often, and for which readings. */
export interface Violation {
  readonly promise: string;
  readonly count: number;
  readonly examples: readonly string[];
}

export interface Findings {
  readonly counts: {
    readonly acknowledged: number;
    readonly records: number;
    readonly extraRecords: number;
    readonly extrasByDevices: number;
    readonly possibleExtras: number;
    readonly predictions: number;
    readonly deadLetters: number;
    readonly skips: number;
    readonly archived: number;
    readonly predictionPoints: number;
    readonly lost: number;
    readonly lostToDamage: number;
    readonly toldLost: number;
    /** Records that were gone with their topic before they were read. */
    readonly destroyed: DestroyedCounts;
    readonly windows?: WindowCounts;
    readonly facts?: FactCounts;
  };
  readonly violations: readonly Violation[];
}

const maxExamples = 5;
const none: ReadonlyMap<string, number> = new Map();

/** Holds what was found to what the line promises. */
export function check(evidence: Evidence): Findings {
  const violations: Violation[] = [];
  const broken = (promise: string, found: Iterable<string>, count?: number): number => {
    const all = [...found];
    const total = count ?? all.length;
    if (total > 0) violations.push({ promise, count: total, examples: all.slice(0, maxExamples) });
    return total;
  };

  const records = tally(evidence.records);
  const missing = [...evidence.acknowledged].filter((identity) => !records.has(identity));
  const lost = broken(
    'every acknowledged reading is in the log',
    missing.filter((identity) => !evidence.excused.has(identity)),
  );
  const lostToDamage = missing.length - lost;
  if (lostToDamage > 0 && evidence.toldLost === 0) broken('what a disk damaged is told', missing);
  broken(
    'the log holds only what devices sent',
    [...records.keys()].filter((identity) => !evidence.sent.has(identity)),
  );
  const extras = checkExtras(evidence, records, broken);
  const windows = evidence.windows && checkWindows(evidence.windows, broken);
  const facts = evidence.facts && checkFacts(evidence.facts, records, outcomesOf(evidence), broken);
  const unlabelled = windows || facts ? none : checkLabels(evidence, records, broken);
  const destroyed = {
    unlabelled: total(unlabelled),
    unarchived: checkArchive(evidence, broken),
    unforwarded: checkPoints(evidence, unlabelled, broken),
  };
  if (evidence.deleted) checkDeletedMostlyRead(evidence.deleted, destroyed, broken);

  const counts = {
    acknowledged: evidence.acknowledged.size,
    records: evidence.records.length,
    extraRecords: evidence.records.length - records.size,
    extrasByDevices: extras.byDevices,
    possibleExtras: evidence.possibleExtras,
    predictions: evidence.predictions.length,
    deadLetters: evidence.deadLetters.length,
    skips: evidence.skips,
    archived: evidence.archived.length,
    predictionPoints: evidence.points.length,
    lost,
    lostToDamage,
    ...{ toldLost: evidence.toldLost, destroyed },
    ...(windows && { windows }),
    ...(facts && { facts }),
  };
  return { counts, violations };
}

/** A record too many is a device's if it sent the reading again not knowing; for the others the collector must have counted. */
function checkExtras({ resent, possibleExtras }: Evidence, records: Tally, broken: Broken): { byDevices: number } {
  const unexplained: string[] = [];
  let byDevices = 0;
  for (const [identity, count] of records) {
    const explained = Math.min(count - 1, resent.get(identity) ?? 0);
    byDevices += explained;
    for (let extra = count - 1 - explained; extra > 0; extra -= 1) unexplained.push(identity);
  }
  if (unexplained.length > possibleExtras) {
    broken('each extra record was counted', unexplained, unexplained.length - possibleExtras);
  }
  return { byDevices };
}

/** Each record gives one prediction, one dead letter or one counted skip. @returns what was gone before it could */
function checkLabels(evidence: Evidence, records: Tally, broken: Broken): ReadonlyMap<string, number> {
  const { skips, deleted } = evidence;
  const outcomes = outcomesOf(evidence);
  const lacking = (identity: string) => (records.get(identity) ?? 0) - (outcomes.get(identity) ?? 0);
  const gone = unreadAtDeletion(deleted?.readings ?? [], (identity) => lacking(identity) > 0);
  const without: string[] = [];
  for (const identity of records.keys()) {
    for (let left = lacking(identity) - (gone.get(identity) ?? 0); left > 0; left -= 1) without.push(identity);
  }
  if (without.length > skips) {
    broken('each record has a prediction, a dead letter or a counted skip', without, without.length - skips);
  }
  broken(
    'no record has two of them',
    [...outcomes].filter(([identity, count]) => count > (records.get(identity) ?? 0)).map(([identity]) => identity),
  );
  return gone;
}

/** @returns how many records were gone before they were archived */
function checkArchive({ archivable, archived, deleted }: Evidence, broken: Broken): number {
  const wanted = tally(archivable);
  const points = tally(archived);
  const gone = unreadAtDeletion(deleted?.readings ?? [], (identity) => !points.has(identity), isTwiceIn(wanted));
  broken(
    'every record is archived',
    absent(wanted.keys(), points).filter((identity) => !gone.has(identity)),
  );
  broken('the archive holds only what the log holds', absent(points.keys(), wanted));
  broken('a reading is one point', twice(points));
  return total(gone);
}

/**
 * Telegraf also forwards labels of aborted batches: what is committed later overwrites them. Nothing does where the reading, or the fact that
 * it rests on, is gone meanwhile.
 * @returns how many predictions were gone before they were forwarded
 */
function checkPoints(
  { predictions, points, deleted, facts }: Evidence,
  unlabelled: ReadonlyMap<string, number>,
  broken: Broken,
): number {
  const committed = new Map<string, Set<string>>();
  for (const { identity, said } of predictions) {
    const all = committed.get(identity);
    if (all) all.add(said);
    else committed.set(identity, new Set([said]));
  }
  const found = tally(points.map(({ identity }) => identity));
  const said = tally(predictions.map(({ identity }) => identity));
  // What a deletion destroyed unread overwrites nothing either: the point keeps what an aborted batch said before.
  const stale = points.filter(({ identity, said }) => committed.get(identity)?.has(said) === false);
  const unsaid = new Set(stale.map(({ identity }) => identity));
  const isMissing = (identity: string) => !found.has(identity) || unsaid.has(identity);
  const gone = unreadAtDeletion(deleted?.predictions ?? [], isMissing, isTwiceIn(said));
  broken(
    'every prediction is a point',
    absent(committed.keys(), found).filter((identity) => !gone.has(identity)),
  );
  broken(
    'only committed predictions are points in the end',
    absent(found.keys(), committed).filter((identity) => !unlabelled.has(identity) && !mayBeStale(identity, facts)),
  );
  broken('a prediction is one point', twice(found));
  broken(
    'a point says what a committed prediction says',
    stale
      .filter(({ identity }) => !gone.has(identity))
      .map(({ identity, said }) => `${identity}: ${said} instead of ${[...(committed.get(identity) ?? [])]}`),
  );
  return total(gone);
}

/** A label of an aborted batch that nothing overwrites: before the reading was taken again, its fact was shortened or deleted. */
const mayBeStale = (identity: string, facts: FactEvidence | undefined): boolean =>
  facts?.wasCovered(identity) === true && !facts.isCovered(identity);

type Tally = Map<string, number>;

/** Predictions and dead letters. */
const outcomesOf = ({ predictions, deadLetters }: Evidence): Tally =>
  tally([...deadLetters, ...predictions.map(({ identity }) => identity)]);

function tally(identities: Iterable<string>): Tally {
  const counts: Tally = new Map();
  for (const identity of identities) counts.set(identity, (counts.get(identity) ?? 0) + 1);
  return counts;
}

const absent = (wanted: Iterable<string>, found: { has(identity: string): boolean }): string[] =>
  [...wanted].filter((identity) => !found.has(identity));

const isTwiceIn = (counts: Tally) => (identity: string) => (counts.get(identity) ?? 0) > 1;

const twice = (counts: Tally): string[] => [...counts.keys()].filter(isTwiceIn(counts));
