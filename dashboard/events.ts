import type { Promotion } from '../core/wire/promotion.ts';
import type { Status } from '../core/wire/status.ts';

/**
 * What the live page is sent. `GET /events` sends one `snapshot` and then `delta`s that hold only what changed; `GET /stats` returns
 * the same snapshot. Types only: the page imports them too, and they vanish when it is served.
 */
export interface LiveEvents {
  readonly snapshot: Snapshot;
  readonly delta: Delta;
}

export interface Snapshot extends Sections {
  /** The server's clock, in milliseconds since the epoch. */
  readonly at: number;
  readonly stream: string;
  readonly fields: readonly string[];
  /** The seconds kept, oldest first; seconds in which nothing happened are left out. */
  readonly seconds: readonly Second[];
}

/** Each section is there only if it changed. `seconds` holds the rows that changed, whole. */
export interface Delta extends Partial<Sections> {
  readonly at: number;
  readonly seconds?: readonly Second[];
}

export interface Sections {
  readonly rates: Rates;
  readonly gaps: GapFigures;
  /** Names of the classes by index, in the order in which they were met. It only grows; the last one may gather all others. */
  readonly classes: readonly string[];
  readonly score: Score;
  readonly overall: OverallScores;
  /** Right labels by number of gaps, over the seconds kept; a bin holds the numbers from `from` to `to`, both included. */
  readonly byGaps: ByGaps;
  readonly duel: DuelFigures | null;
  /** The drift that the classifier reports; null until it has reported any. */
  readonly drift: NonNullable<Status['drift']> | null;
  readonly latency: Latency | null;
  readonly model: ModelFigures | null;
  readonly stages: readonly StageFigures[];
  readonly deadLetters: DeadLetterFigures;
  /** Those that fire first; null for a stream without rules. */
  readonly alerts: readonly AlertView[] | null;
  /** Null for a stream without facts. */
  readonly facts: readonly FactKindFigures[] | null;
  readonly recent: readonly RecentPrediction[];
  /** Null for a stream whose model labels single readings. */
  readonly windows: WindowDevices | null;
  readonly source: Source;
  /** Null where there is nothing to control. */
  readonly controls: { readonly gapRate: number } | null;
}

/** For whom facts of one kind hold now. */
export interface FactKindFigures {
  readonly kind: string;
  /** Whether the subjects are listed: those of kinds that say only that they hold. */
  readonly isListed: boolean;
  readonly insideCount: number;
  readonly outsideCount: number;
  /** Some of them, those of late first. */
  readonly inside: readonly FactSubject[];
  readonly outside: readonly FactSubject[];
}

export interface FactSubject {
  readonly subject: string;
  /** Since when it is inside or outside, in milliseconds since the epoch; null where no fact of it began yet, or none was told. */
  readonly since: number | null;
  /** The last label that the page has read; null for a subject that is outside. */
  readonly label: string | null;
}

/** One alert, as it was last told. */
export interface AlertView {
  readonly id: string;
  readonly rule: string;
  /** The device; of lag a stage, of drift the stream. */
  readonly subject: string;
  readonly state: 'firing' | 'resolved';
  /** Nanoseconds since the epoch, as decimal strings: since when it holds, and when it fired or was resolved. */
  readonly since: string;
  readonly at: string;
  readonly text: string;
  /** By webhook, what became of the last notification; empty while none is settled. */
  readonly deliveries: Readonly<Record<string, string>>;
}

/** One second of the line, by the time at which the log took the records. */
export interface Second {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Readings that arrived: a count, never sampled. */
  readonly readings: number;
  /** Predictions that arrived: a count, never sampled. */
  readonly labels: number;
  readonly deadLetters: number;
  /** Share of values missing, among the readings of this second that were parsed; null without any. */
  readonly gapShare: number | null;
  /** The gap rate that was set for the generator, where that is known. */
  readonly setGapRate: number | null;
  /** Predictions by class index, of those that were parsed. Trailing zeros are left out. */
  readonly byClass: readonly number[];
  /** Predictions that were parsed and whose truth is known, and how many of them were right. */
  readonly scored: number;
  readonly right: number;
  /** Readings of known truth that champion and challenger both labelled, and how many each labelled right; absent without any. */
  readonly duel?: readonly [pairs: number, championRight: number, challengerRight: number];
  /** Of the ten seconds up to this one. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Rates {
  /** A second, over the last five whole seconds. */
  readonly readings: number;
  readonly labels: number;
}

/** Over the newest ten seconds, or further back until there is enough data. */
export interface GapFigures {
  readonly readings: number;
  readonly share: number | null;
  /** By field, in the order of `fields`, over the newest half minute. */
  readonly byField: readonly number[];
}

export interface Score extends Scores {
  /** `unknown` until enough predictions were seen. */
  readonly truth: 'unknown' | 'known' | 'none';
  /** Over how many seconds. */
  readonly seconds: number;
}

/** Of all labels since the page began to watch. */
export interface OverallScores extends Scores {
  /** When the first record came that the page has counted, in milliseconds since the epoch; null before there is any. */
  readonly since: number | null;
}

export interface Scores {
  /** How many predictions the figures rest on: those that were parsed and whose truth is known. */
  readonly labels: number;
  readonly accuracy: number | null;
  /** Macro F1: the unweighted mean over the classes seen as truth or as label. A declined label is of no class. */
  readonly f1: number | null;
  /** Over how many classes `f1` is the mean. */
  readonly f1Classes: number;
  /** Micro F1: of all labels together. It is the accuracy, but where the model declined: that is a miss, not a wrong label. */
  readonly microF1: number | null;
  /** Rows are truth, columns labels, both class indices. */
  readonly matrix: readonly (readonly number[])[];
}

export interface ByGaps {
  /** Whose gaps they are: a reading's, or those among the columns that steps make of a window. */
  readonly of: 'reading' | 'window';
  readonly bins: readonly GapBin[];
}

export interface GapBin {
  readonly from: number;
  readonly to: number;
  readonly scored: number;
  readonly right: number;
}

/** Champion and challenger over the readings that both labelled: the last ten to twenty thousand that were parsed. */
export interface DuelFigures {
  readonly readings: number;
  readonly agreed: number;
  readonly scored: number;
  readonly champion: Standing;
  readonly challenger: Standing;
}

export interface Standing {
  readonly version: number;
  readonly accuracy: number | null;
  readonly f1: number | null;
  /** How far the probabilities are from the shares of right labels, on average. */
  readonly calibrationError: number | null;
  /** Of an ensemble: how far its models part, on average; null of other models. */
  readonly spread: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** From received to labelled, over the same window as the gaps. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ModelFigures {
  readonly name: string;
  readonly version: number;
  readonly challenger: number | null;
  /** The last changes of version, oldest first: when, in milliseconds since the epoch, and to which. */
  readonly swaps: readonly { readonly at: number; readonly version: number }[];
  /** Who let which version serve, and why, as the registry wrote it down; oldest first. Only a classifier that runs reports it. */
  readonly promotions: readonly (Promotion & { readonly text: string })[];
}

export interface StageFigures {
  readonly stage: Status['stage'];
  readonly instance: string;
  /** `silent`: no word for more than six seconds. `quiet`: the same of a generator, which may have nothing left to send. */
  readonly state: 'reporting' | 'silent' | 'quiet';
  /** When it last reported, in milliseconds since the epoch. */
  readonly seenMs: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly lag: number | null;
  readonly spool: Status['spool'] | null;
  readonly lastError: Status['lastError'] | null;
  /** Fields that devices sent and the stream does not know, the most frequent first. */
  readonly unknownFields: NonNullable<Status['unknownFields']>;
}

export interface DeadLetterFigures {
  /** Within the seconds kept. */
  readonly count: number;
  /** The newest ones, newest first. */
  readonly last: readonly DeadLetterView[];
}

export interface DeadLetterView {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly stage: string;
  readonly reason: string;
  /** `TOPIC/PARTITION@OFFSET`. */
  readonly from: string;
}

export interface RecentPrediction {
  readonly device: string;
  /** The reading's time, nanoseconds since the epoch as a decimal string. */
  readonly time: string;
  /** When the log took the prediction, in milliseconds since the epoch. */
  readonly at: number;
  readonly label: string;
  readonly probability: number;
  readonly truth: string | null;
  readonly version: number;
  /** How much the label depends on what was filled, from 0 to 1; null where the model does not know. */
  readonly sensitivity: number | null;
  /** How far the models of an ensemble part, from 0 to 1; null where the model is none. */
  readonly spread: number | null;
  /** Whether it is of a window; its gaps are then those of the model's features. */
  readonly isWindow: boolean;
  /** How many values were missing, and which: indices into `fields`. */
  readonly gaps: number;
  readonly gapsAt: readonly number[];
  /** Some of its values: filled ones first, then measured ones while there is room. `[index into fields or the name of a feature, value, filled]`. */
  readonly values: readonly (readonly [field: number | string, value: number, filled: boolean])[];
}

/** The devices whose last window can be looked at: `GET /window?device=NAME&field=NAME`. */
export interface WindowDevices {
  /** The first of them by name. */
  readonly names: readonly string[];
  readonly count: number;
  /** What can be looked at of each: the stream's fields, or the channels of readings that are whole segments. */
  readonly fields: readonly string[];
}

/** What is known of a version of the model: what `GET /model?version=NUMBER` returns. */
export interface VersionView {
  readonly version: number;
  /** Null where the registry does not know the version. */
  readonly estimator: string | null;
  /** The fields that it leans on most, the most important first, of all that sum to one; null where its kind does not tell. */
  readonly importance: readonly { readonly name: string; readonly share: number }[] | null;
}

/** The last window of a device: one field of it. What `GET /window` returns. */
export interface WindowView {
  readonly device: string;
  readonly field: string;
  /** Where it begins and ends: nanoseconds since the epoch as decimal strings. */
  readonly from: string;
  readonly time: string;
  readonly seconds: number;
  readonly label: string;
  readonly probability: number;
  readonly truth: string | null;
  /** Samples a second; null where the times are not even. */
  readonly rate: number | null;
  /** Times that the line sampled, and those of them that the page has read. */
  readonly samples: number;
  readonly read: number;
  /** Values of the field that there should be, and those that there are. */
  readonly expected: number;
  readonly measured: number;
  /** Milliseconds from the beginning, and values; null where nothing was measured. Long windows are reduced to extremes. */
  readonly wave: { readonly x: readonly number[]; readonly y: readonly (number | null)[] };
  /** Where nothing was measured, in milliseconds from the beginning. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
  /** Where a shapelet decided, and this field is the one that it was found in. */
  readonly shapelet: ShapeletView | null;
  /** Hertz, and squared units for each hertz; null without a rate or with too few values. */
  readonly spectrum: { readonly x: readonly number[]; readonly y: readonly number[] } | null;
}

/** The shapelet that spoke most for a label, laid over the wave where it fits best. */
export interface ShapeletView {
  /** Milliseconds from the window's beginning, and values at the height of the wave. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Its share of all that speaks for the label. */
  readonly share: number;
}

/** Where the figures come from. */
export interface Source {
  /** One in how many records of the last ten seconds was parsed; the others are only counted. */
  readonly oneIn: number;
  /** Records skipped since the start because the page could not keep up. */
  readonly skipped: number;
  /** Records that do not match the stream's schemas. */
  readonly malformed: number;
  /** Why the log cannot be read now. */
  readonly trouble: string | null;
  /** True while the recent past is being read. */
  readonly catchingUp: boolean;
}
