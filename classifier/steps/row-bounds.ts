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

  /** Whether the next model works already and no row of this one can come any more. A device that is silent keeps its own open. */
  isFinished(now: EventTimes, reachNs: number): boolean {
    return this.#upTo !== undefined && isPast(this.#upTo, now, reachNs);
  }

  /** Forgets the model before once none of its rows can come any more. */
  settle(now: EventTimes, reachNs: number): void {
    if (this.#after && isPast(this.#after, now, reachNs)) this.#after = undefined;
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

/** Whether each device of a change is so far behind it that all rows that had begun by then are complete. */
function isPast(change: EventTimes, now: EventTimes, reachNs: number): boolean {
  for (const [device, at] of change.devices) {
    const current = now.of(device);
    if (!current || since(current.seconds, current.nanoseconds, at.seconds, at.nanoseconds) <= reachNs) return false;
  }
  return true;
}
