import { elementAt } from '../core/numeric/element.ts';
import { LatencyHistogram, RecentLatency } from '../core/statistics/latency-histogram.ts';
import { type Confusion, RunningScores } from '../core/statistics/running-scores.ts';
import type { FactChange } from '../core/steps/facts/table.ts';
import { unknownLabel } from '../core/wire/prediction.ts';
import type { ReadingBatch } from './decode.ts';
import { latencyMs } from './encode.ts';
import type { RowOrigins } from './prepared-rows.ts';
import type { StepCounts } from './steps/step-counts.ts';

/** What a classifier did since it started; everything in it is committed. */
export interface ClassifierTotals {
  /**
   * Records taken: each is one label, one dead letter or one skip. With steps that keep samples apart (all but `resample`), each is
   * consumed, a duplicate, a skip, still held, or a dead letter, but for the dead letters of refused rows, also while several versions work.
   */
  readonly readings: number;
  /** Values that were missing. */
  readonly gaps: number;
  readonly labels: number;
  /** Labels where the model declined to guess. */
  readonly unknown: number;
  readonly deadLetters: number;
  readonly skipped: number;
  readonly skippedBy: Readonly<Record<string, number>>;
  /** Values whose names the stream does not know, ignored. */
  readonly unknownFields: number;
  /** What became of samples in the champion's steps; undefined before there are any. */
  readonly steps: StepTotals | undefined;
  /** What became of facts; undefined before there are any. */
  readonly facts: FactTotals | undefined;
  /** Labels whose truth was known, and how many of them were right. */
  readonly scored: number;
  readonly right: number;
  /** Undefined while no truth is known, as is `f1`, which is macro F1. */
  readonly accuracy: number | undefined;
  readonly f1: number | undefined;
  readonly confusion: Confusion;
  /** From received to committed; 0 while nothing is. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The present challenger beside the champion. */
  readonly comparison: Comparison;
}

export interface FactTotals {
  /** Facts that were new, or said what they said before. */
  readonly taken: number;
  /** Facts that changed an earlier one, but for those of `ended`. */
  readonly corrected: number;
  /** Facts that were deleted, or end earlier than they did: what was labelled by them stays. */
  readonly ended: number;
  /** Facts left out because a partition holds as many as it may. */
  readonly full: number;
  /** Facts that left the state because they ended so long ago that no reading can rest on them. */
  readonly pruned: number;
  readonly deadLetters: number;
  readonly skipped: number;
  /** By kind of fact, readings that waited for one in vain. */
  readonly missedBy: Readonly<Record<string, number>>;
}

export interface StepTotals {
  readonly consumed: number;
  readonly duplicates: number;
  readonly mixed: number;
  /** Dead letters of records that completed rows which the model refused. Their samples count as any others: they are in windows. */
  readonly refused: number;
}

/** Samples that came before another version took over: those that the version before is done with, and those that it lost. */
export interface EarlierSamples {
  readonly consumed: number;
  readonly unfinished: number;
}

/** Champion and challenger over the same readings, since the challenger came. */
export interface Comparison {
  /** Readings that both labelled. */
  readonly readings: number;
  /** Readings that the challenger did not label, or not in time. */
  readonly skipped: number;
  /** Readings that both labelled alike. */
  readonly agreed: number;
  readonly scored: number;
  readonly champion: RoleScores;
  readonly challenger: RoleScores;
}

export interface RoleScores {
  readonly right: number;
  /** Undefined while no truth is known. */
  readonly accuracy: number | undefined;
  readonly f1: number | undefined;
}

/** What one batch came to, to be counted once it is committed. */
export interface BatchOutcome {
  readonly readings: ReadingBatch;
  /** Of the rows that were labelled: the readings themselves where there are no steps. */
  readonly origins: RowOrigins;
  /** By row of `origins`. */
  readonly labels: readonly string[];
  readonly steps?: StepCounts | undefined;
  readonly deadLetters: number;
  readonly skippedBy: ReadonlyMap<string, number>;
}

const recentMs = 20_000;
const noFacts = { taken: 0, corrected: 0, ended: 0, full: 0, pruned: 0, deadLetters: 0, skipped: 0 };

/** Counts what is committed. Bounded memory, however long it runs. */
export class Tally {
  readonly #latency = new LatencyHistogram();
  readonly #recent = new RecentLatency(recentMs);
  readonly #scores = new RunningScores();
  readonly #skippedBy = new Map<string, number>();
  #championScores = new RunningScores();
  #challengerScores = new RunningScores();
  #compared = { readings: 0, skipped: 0, agreed: 0 };
  #readings = 0;
  #gaps = 0;
  #labels = 0;
  #unknown = 0;
  #deadLetters = 0;
  #skipped = 0;
  #unknownFields = 0;
  #steps: ClassifierTotals['steps'];
  #facts: Omit<FactTotals, 'missedBy'> | undefined;
  readonly #missedBy = new Map<string, number>();

  /** @param nowMs - the moment of the commit, in milliseconds since the epoch */
  add({ readings, origins, labels, deadLetters, skippedBy, steps }: BatchOutcome, nowMs: number): void {
    this.#gaps += readings.gaps;
    this.#unknownFields += readings.unknownFields;
    this.#readings += readings.count;
    this.addDeadLetters(deadLetters);
    for (const [reason, count] of skippedBy) {
      this.#skip(reason, count);
      this.#readings += count;
    }
    if (steps) this.#addSteps(steps);
    this.addLabels(origins, labels, nowMs);
  }

  /** A batch of facts: its labels are those of readings that waited. */
  addFacts(outcome: BatchOutcome & { readonly changes: ReadonlyMap<FactChange, number> }, nowMs: number): void {
    const { changes, deadLetters, skippedBy, steps, origins, labels } = outcome;
    const before = this.#facts;
    const of = (...kinds: FactChange[]) => kinds.reduce((sum, kind) => sum + (changes.get(kind) ?? 0), 0);
    this.#facts = {
      taken: (before?.taken ?? 0) + of('new', 'same', 'unknown'),
      corrected: (before?.corrected ?? 0) + of('corrected'),
      ended: (before?.ended ?? 0) + of('ended'),
      full: (before?.full ?? 0) + of('full'),
      pruned: before?.pruned ?? 0,
      deadLetters: (before?.deadLetters ?? 0) + deadLetters,
      skipped: (before?.skipped ?? 0) + [...skippedBy.values()].reduce((sum, count) => sum + count, 0),
    };
    if (steps) this.#addSteps(steps);
    this.addLabels(origins, labels, nowMs);
  }

  addPrunedFacts(count: number): void {
    if (count > 0) this.#facts = { ...(this.#facts ?? noFacts), pruned: (this.#facts?.pruned ?? 0) + count };
  }

  /** Labels of rows whose readings are counted already, or are counted elsewhere. */
  addLabels(origins: RowOrigins, labels: readonly string[], nowMs: number): void {
    this.#labels += labels.length;
    for (const [row, label] of labels.entries()) {
      const truth = origins.truths[row];
      if (truth !== undefined) this.#scores.add(truth, label);
      if (label === unknownLabel) this.#unknown += 1;
      if (origins.waited) continue;
      const ms = latencyMs(elementAt(origins.received, row), nowMs);
      this.#latency.record(ms);
      this.#recent.record(ms, nowMs);
    }
  }

  #skip(reason: string, count: number): void {
    this.#skippedBy.set(reason, (this.#skippedBy.get(reason) ?? 0) + count);
    this.#skipped += count;
  }

  #addSteps({ skippedBy, consumed, duplicates, mixed, missedBy }: StepCounts, refused = 0): void {
    for (const [kind, count] of missedBy) this.#missedBy.set(kind, (this.#missedBy.get(kind) ?? 0) + count);
    for (const [reason, count] of skippedBy) this.#skip(reason, count);
    const before = this.#steps;
    this.#steps = {
      consumed: (before?.consumed ?? 0) + consumed,
      duplicates: (before?.duplicates ?? 0) + duplicates,
      mixed: (before?.mixed ?? 0) + mixed,
      refused: (before?.refused ?? 0) + refused,
    };
  }

  /** Samples that waited in a version when another took over: it is done with them, or lost them. */
  addEarlier({ consumed, unfinished }: EarlierSamples): void {
    if (consumed + unfinished === 0) return;
    const skippedBy = new Map(unfinished > 0 ? [['unfinished', unfinished]] : []);
    this.#addSteps({ skippedBy, consumed, duplicates: 0, mixed: 0, missedBy: new Map() });
  }

  /** A record whose rows the model refused: a dead letter, and its readings are in the state of the steps. */
  addRefused({ count, gaps, unknownFields }: ReadingBatch, steps: StepCounts): void {
    this.#readings += count;
    this.#gaps += gaps;
    this.#unknownFields += unknownFields;
    this.#deadLetters += 1;
    this.#addSteps(steps, 1);
  }

  addDeadLetters(count: number): void {
    this.#deadLetters += count;
    this.#readings += count;
  }

  /** Another challenger came, or none is left. */
  newComparison(): void {
    this.#championScores = new RunningScores();
    this.#challengerScores = new RunningScores();
    this.#compared = { readings: 0, skipped: 0, agreed: 0 };
  }

  /** The labels of both for the same readings. */
  compare(champion: readonly string[], challenger: readonly string[], truths: readonly (string | undefined)[]): void {
    for (const [row, label] of champion.entries()) {
      const other = elementAt(challenger, row);
      const truth = truths[row];
      this.#compared.readings += 1;
      if (label === other) this.#compared.agreed += 1;
      if (truth === undefined) continue;
      this.#championScores.add(truth, label);
      this.#challengerScores.add(truth, other);
    }
  }

  shadowSkipped(count: number): void {
    this.#compared.skipped += count;
  }

  /** The latencies of the last 10 to 20 seconds. */
  recentLatency(nowMs: number) {
    return { p50Ms: this.#recent.quantile(0.5, nowMs), p99Ms: this.#recent.quantile(0.99, nowMs) };
  }

  totals(): ClassifierTotals {
    return {
      readings: this.#readings,
      gaps: this.#gaps,
      labels: this.#labels,
      unknown: this.#unknown,
      deadLetters: this.#deadLetters,
      skipped: this.#skipped,
      skippedBy: Object.fromEntries(this.#skippedBy),
      unknownFields: this.#unknownFields,
      steps: this.#steps,
      facts: this.#facts && { ...this.#facts, missedBy: Object.fromEntries(this.#missedBy) },
      scored: this.#scores.scored,
      right: this.#scores.right,
      accuracy: this.#scores.accuracy,
      f1: this.#scores.macroF1(),
      confusion: this.#scores.confusion(),
      p50Ms: this.#latency.quantile(0.5),
      p99Ms: this.#latency.quantile(0.99),
      comparison: {
        ...this.#compared,
        scored: this.#championScores.scored,
        champion: standingOf(this.#championScores),
        challenger: standingOf(this.#challengerScores),
      },
    };
  }
}

const standingOf = (scores: RunningScores): RoleScores => ({
  right: scores.right,
  accuracy: scores.accuracy,
  f1: scores.macroF1(),
});
