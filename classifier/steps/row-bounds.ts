import type { StepRows } from '../../core/steps/port.ts';
import type { StateReader, StateWriter } from '../../core/steps/state.ts';
import { compare, since } from '../../core/steps/time.ts';
import { EventTimes } from './event-times.ts';

/**
 * Which rows are of a model where others work before and after it: those that begin after the event times of the change to it, and not
 * after those of the change to the next one.
 */
export class RowBounds {
  #after: EventTimes | undefined;
  #upTo: EventTimes | undefined;

  /** Rows that have begun by then are of the model before. */
  startAfter(at: EventTimes): void {
    this.#after = at;
  }

  /** Rows that begin later are of the model after. */
  endAt(at: EventTimes): void {
    this.#upTo = at;
  }

  get areOpen(): boolean {
    return !this.#after && !this.#upTo;
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
    return !this.#upTo || hasBegunBy(this.#upTo);
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
  }

  write(writer: StateWriter): void {
    for (const times of [this.#after, this.#upTo]) {
      writer.number(times ? 1 : 0);
      times?.write(writer);
    }
  }

  static read(reader: StateReader): RowBounds {
    const bounds = new RowBounds();
    const times = () => (reader.count(1) === 1 ? EventTimes.read(reader) : undefined);
    bounds.#after = times();
    bounds.#upTo = times();
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
