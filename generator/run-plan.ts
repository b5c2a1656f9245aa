import type { Logger } from 'pino';
import { type ErrorCode, GaplineError } from '../core/wire/errors.ts';
import { chooseGaps, type GapPatternName } from './gaps/choose.ts';
import { type Progress, ProgressFile } from './progress.ts';
import { Schedule } from './schedule.ts';
import { deviceOrderOf, type Source } from './source.ts';
import { refusalsOfDisk, untilRoom } from './until-room.ts';
import { dealToWorkers, indexOfNth, madeBefore, Worker } from './worker.ts';

export interface RunPlanOptions {
  readonly source: Source;
  readonly seed: number;
  readonly gaps: { readonly rate: number; readonly pattern: GapPatternName; readonly length: number };
  readonly rate: number;
  readonly batch: number;
  readonly concurrency: number;
  readonly start?: string;
  readonly progressFile?: string;
  /** Identifies streams of other readings: what was kept of one is no use to another. */
  readonly streamId: string;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Where a stream stands; kept in the progress file if there is one. */
export interface RunPlan {
  readonly workers: readonly Worker[];
  /** Readings that were accepted before this run. */
  readonly acceptedBefore: number;
  /** The gap rate of the next reading. */
  readonly gapRate: number;
  /** When a reading is to be sent, in milliseconds since the epoch. */
  dueMs(index: number): number;
  /**
   * Resolves once the reading may be made: no worker runs far ahead of the slowest, so that times of devices stay close, a change of the
   * gap rate is soon seen in all, and little is sent again after a kill. Rejects when the signal aborts.
   */
  reach(index: number, signal: AbortSignal): Promise<void>;
  /** To be called before the reading is made: resolves once the file knows of it, however long the disk has no room. */
  reserve(index: number, signal: AbortSignal): Promise<void>;
  /** All readings that the worker made are accepted. */
  accepted(worker: Worker): void;
  setGapRate(rate: number): void;
  save(): void;
  /** @param complete - nothing is left to resume: the next run restarts */
  close(complete: boolean): Promise<void>;
}

/** Between readings that are made as fast as they are taken: faster than any collector, so that times never run ahead of the clock. */
const unpacedSpacingNs = 1_000;
/** For how many readings the file is written ahead, where there is no rate. */
const unpacedReserve = 50_000;
/** For how many seconds, where there is one. */
const reserveSeconds = 2;
/** How many request batches a worker may be ahead of the slowest. */
const batchesAhead = 4;
/** How many changes of the gap rate are kept before the oldest are looked through. */
const maxGapRates = 100;

/**
 * Finds out where the stream stands. After a restart the readings that may have been made before are made again as they were, at
 * once; those behind them continue from now, or on the same times where a start was given.
 */
export function openRunPlan(options: RunPlanOptions): RunPlan {
  const { source, seed, gaps, rate, concurrency, streamId, logger, now } = options;
  const file = options.progressFile === undefined ? undefined : new ProgressFile(options.progressFile);
  const positions = dealToWorkers(source, Math.min(concurrency, source.devices.length));
  const loaded = file?.load(logger);
  const saved = loaded?.stream === streamId ? loaded : undefined;
  const schedule = saved ? resumedSchedule(saved, options) : newSchedule(loaded, options);
  const pattern = chooseGaps(gaps.pattern, { length: gaps.length, source });
  const context = { source, order: deviceOrderOf(source), pattern, schedule, seed };
  const shares = sharesOf(saved, positions, source).map((share) => ({
    ...share,
    worker: new Worker(context, share.own, share.accepted),
  }));
  const acceptedBefore = shares.reduce((sum, { accepted }) => sum + accepted, 0);
  const paceFrom = saved?.reserved ?? 0;
  const paceFromMs = now();
  const paceFromNs = schedule.timeNs(paceFrom);
  /** No reading from here on was made. */
  let made = paceFrom;
  /** The file knows that readings before this one may have been made. */
  let reserved = paceFrom;

  /** Every reading before this one is accepted. */
  let next = 0;
  let moved = Promise.withResolvers<void>();
  const batchSpan = (options.batch * source.round.length) / Math.min(...positions.map(({ length }) => length));

  function move(): void {
    let first = Number.POSITIVE_INFINITY;
    for (const { own, accepted } of shares) first = Math.min(first, indexOfNth(own, source.round.length, accepted));
    if (first === next) return;
    next = first;
    moved.resolve();
    moved = Promise.withResolvers();
  }
  move();

  function save(reserving = reserved): void {
    if (!file) return;
    // A gap pattern replays its past, and a device may speak but once a round.
    const replayed = (pattern.memory + 1) * source.round.length;
    const many = schedule.state().gapRates.length > maxGapRates;
    schedule.forget({ timesBefore: next, gapRatesBefore: many ? next - replayed : 0 });
    const reservedUntilNs = String(schedule.timeNs(Math.max(0, reserving - 1)));
    const accepted = shares.map((share) => share.accepted);
    const state = schedule.state();
    file.save({ format: 1, stream: streamId, ...state, reserved: reserving, reservedUntilNs, accepted, next });
    reserved = reserving;
  }

  /** Where the disk refuses it, a later save has it; until then no readings are made that the file does not know. */
  function saveUnless(refusals: readonly ErrorCode[]): void {
    try {
      save();
    } catch (error) {
      if (!(error instanceof GaplineError && refusals.includes(error.code))) throw error;
    }
  }
  const saveIfRoom = () => saveUnless(refusalsOfDisk);

  // A folder that cannot be written is an error of the start; a full disk may have room again.
  saveUnless(['disk-full']);

  return {
    workers: shares.map(({ worker }) => worker),
    acceptedBefore,
    get gapRate() {
      return schedule.gapRate(made);
    },
    dueMs: (index) => (index < paceFrom ? paceFromMs : paceFromMs + Number(schedule.timeNs(index) - paceFromNs) / 1e6),
    async reach(index, signal) {
      while (index >= next + batchesAhead * batchSpan) await unlessAborted(moved.promise, signal);
    },
    async reserve(index, signal) {
      const wanted = index + 1;
      if (file && wanted > reserved) {
        const ahead = wanted + (rate === 0 ? unpacedReserve : Math.ceil(rate * reserveSeconds));
        await untilRoom(() => save(Math.max(reserved, ahead)), logger, signal);
      }
      made = Math.max(made, wanted);
    },
    accepted(worker) {
      for (const share of shares) if (share.worker === worker) share.accepted = worker.made;
      move();
    },
    setGapRate(wanted) {
      schedule.setGapRate(made, wanted);
      saveIfRoom();
    },
    save: saveIfRoom,
    async close(complete) {
      reserved = made;
      if (complete) await file?.remove();
      else saveIfRoom();
    },
  };
}

const spacingNs = (rate: number): number => (rate === 0 ? unpacedSpacingNs : 1e9 / rate);

const nanoseconds = (ms: number): bigint => BigInt(Math.trunc(ms)) * 1_000_000n;

/** @param other - the progress of another stream of the same devices, perhaps: times do not go back behind its own */
function newSchedule(other: Progress | undefined, { source, start, gaps, rate, now }: RunPlanOptions): Schedule {
  const nowNs = nanoseconds(now());
  const behindNs = other ? BigInt(other.reservedUntilNs) + 1n : nowNs;
  const atNs = start ?? String(behindNs > nowNs ? behindNs : nowNs);
  const segments = [{ from: 0, atNs, spacingNs: spacingNs(rate) }];
  return new Schedule({ segments, gapRates: [{ from: 0, rate: gaps.rate }] }, source.step ?? byIndex);
}

function resumedSchedule(saved: Progress, { source, start, gaps, rate, now }: RunPlanOptions): Schedule {
  const schedule = new Schedule(saved, source.step ?? byIndex);
  if (start === undefined && saved.reserved > 0)
    schedule.continueAt(saved.reserved, nanoseconds(now()), spacingNs(rate));
  schedule.setGapRate(saved.reserved, gaps.rate);
  return schedule;
}

/** Settles with the promise, or rejects as soon as the signal aborts. */
async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

const byIndex = (index: number): number => index;

/** By worker: its positions in the round, and how many of its readings are accepted. */
function sharesOf(saved: Progress | undefined, positions: readonly Int32Array[], { round }: Source) {
  const kept = saved?.accepted.length === positions.length ? saved.accepted : [];
  return positions.map((own, worker) => ({
    own,
    accepted: kept[worker] ?? madeBefore(own, round.length, saved?.next ?? 0),
  }));
}
