import type { StepRows } from '../../core/steps/port.ts';
import type { StateReader, StateWriter } from '../../core/steps/state.ts';
import { compare, floorTo, shift, since, type Time } from '../../core/steps/time.ts';
import { EventTimes } from './event-times.ts';

/** Where windows of an earlier model end: `lengthNs` behind each multiple of `everyNs` since the epoch. */
export interface WindowGrid {
  readonly lengthNs: number;
  readonly everyNs: number;
}

/** The windows of an earlier model: of each device, those that begin behind those of the model before it, and not after its event time then. */
interface EarlierWindows {
  readonly begunBy: EventTimes;
  readonly grid: WindowGrid;
}

/** Of a model whose rows are samples. */
const noGrid: WindowGrid = { lengthNs: 0, everyNs: 0 };

/** More models before this one are not remembered: none of them works any more. */
const maxEarlier = 8;

/**
 * Which rows are of a model where others work before and after it: those that begin after the event times of the change to it, and not
 * after those of the change to the next one. A prediction has the identity (device, end): of two windows that end together the earlier
 * model's, which began before, is the one.
 */
export class RowBounds {
  #after: EventTimes | undefined;
  #upTo: EventTimes | undefined;
  #earlier: EarlierWindows[] = [];

  /** Rows that have begun by then are of the model before, which had these windows. */
  startAfter(at: EventTimes, before: RowBounds, grid = noGrid): void {
    // Its own copy: each side forgets a device when its own windows are past the change.
    this.#after = at.copy();
    this.#earlier = [...before.#earlier, { begunBy: at.copy(), grid }].slice(-maxEarlier);
  }

  /** Rows that begin later are of the model after. */
  endAt(at: EventTimes): void {
    this.#upTo = at.copy();
  }

  get areOpen(): boolean {
    return !this.#after && !this.#upTo && this.#earlier.length === 0;
  }

  includes({ names, devices, seconds, nanoseconds, windows }: StepRows, row: number): boolean {
    const device = names[devices[row] ?? 0] ?? '';
    const fromSeconds = (windows ? windows.fromSeconds[row] : seconds[row]) ?? 0;
    const fromNanoseconds = (windows ? windows.fromNanoseconds[row] : nanoseconds[row]) ?? 0;
    const hasBegunBy = (at: EventTimes) => {
      const changed = at.of(device);
      return changed !== undefined && compare(fromSeconds, fromNanoseconds, changed.seconds, changed.nanoseconds) <= 0;
    };
    if (this.#after && hasBegunBy(this.#after)) return false;
    if (windows && this.#earlier.length > 0 && this.#endsWithEarlier(device, seconds[row] ?? 0, nanoseconds[row] ?? 0))
      return false;
    return !this.#upTo || hasBegunBy(this.#upTo);
  }

  /** Whether a window of an earlier model ends at this time. */
  #endsWithEarlier(device: string, seconds: number, nanoseconds: number): boolean {
    return this.#earlier.some(({ begunBy, grid }, at) => {
      const [changed, before] = [begunBy.of(device), this.#earlier[at - 1]?.begunBy.of(device)];
      if (!changed || grid.everyNs === 0) return false;
      const start = shift(seconds, nanoseconds, -grid.lengthNs);
      const hasBegunBy = (time: Time) => compare(start.seconds, start.nanoseconds, time.seconds, time.nanoseconds) <= 0;
      if (!hasBegunBy(changed) || (before && hasBegunBy(before))) return false;
      const aligned = floorTo(start.seconds, start.nanoseconds, grid.everyNs);
      return aligned.seconds === start.seconds && aligned.nanoseconds === start.nanoseconds;
    });
  }

  /** Where the next model works already, the devices of which rows of this one may still come: those that were silent since. */
  unfinished(now: EventTimes, reachNs: number): readonly string[] {
    return this.#upTo ? withoutPast(this.#upTo, now, reachNs) : [];
  }

  /** Where the next model works already, how long ago that began, in the event time of the partition. */
  sinceEnd({ latest }: EventTimes): number {
    if (!this.#upTo) return 0;
    const { seconds, nanoseconds } = this.#upTo.latest;
    return since(latest.seconds, latest.nanoseconds, seconds, nanoseconds);
  }

  /** Forgets the model before for the devices of which none of its rows can come any more. */
  settle(now: EventTimes, reachNs: number): void {
    if (this.#after && withoutPast(this.#after, now, reachNs).length === 0) this.#after = undefined;
    const longestNs = this.#earlier.reduce((sum, { grid }) => sum + grid.lengthNs, reachNs);
    this.#earlier = this.#earlier.filter(({ begunBy }) => withoutPast(begunBy, now, longestNs).length > 0);
  }

  write(writer: StateWriter): void {
    for (const times of [this.#after, this.#upTo]) {
      writer.number(times ? 1 : 0);
      times?.write(writer);
    }
    writer.number(this.#earlier.length);
    for (const { begunBy, grid } of this.#earlier) {
      writer.number(grid.lengthNs);
      writer.number(grid.everyNs);
      begunBy.write(writer);
    }
  }

  static read(reader: StateReader): RowBounds {
    const bounds = new RowBounds();
    const times = () => (reader.count(1) === 1 ? EventTimes.read(reader) : undefined);
    bounds.#after = times();
    bounds.#upTo = times();
    for (let left = reader.count(maxEarlier); left > 0; left--) {
      const grid = { lengthNs: reader.number(), everyNs: reader.number() };
      bounds.#earlier.push({ grid, begunBy: EventTimes.read(reader) });
    }
    return bounds;
  }
}

/** Forgets the devices of a change that are so far behind it that all rows which had begun by then are complete. Returns the others. */
function withoutPast(change: EventTimes, now: EventTimes, reachNs: number): string[] {
  const left: string[] = [];
  for (const [device, at] of change.devices) {
    const current = now.of(device);
    if (!current || since(current.seconds, current.nanoseconds, at.seconds, at.nanoseconds) <= reachNs)
      left.push(device);
    else change.forget(device);
  }
  return left;
}
