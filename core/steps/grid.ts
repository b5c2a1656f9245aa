import { floorTo, second, type Time } from './time.ts';

/**
 * The regular times of a rate, aligned to the epoch. With a whole number of samples a second they are `s + floor(i * 1e9 / rate)` ns, so that
 * none drifts; any other rate has the period of whole nanoseconds that is nearest.
 */
export class Grid {
  readonly rate: number;
  readonly #whole: boolean;
  readonly #periodNs: number;

  constructor(rate: number) {
    this.rate = rate;
    this.#whole = Number.isInteger(rate);
    this.#periodNs = Math.round(second / rate);
  }

  /** The first grid time that is not before the time. */
  from(seconds: number, nanoseconds: number): GridTime {
    if (this.#whole) {
      const index = Math.ceil((nanoseconds * this.rate) / second);
      if (index === this.rate) return { seconds: seconds + 1, nanoseconds: 0, index: 0 };
      return { seconds, nanoseconds: this.#nanosecondsAt(index), index };
    }
    const floor: Time = floorTo(seconds, nanoseconds, this.#periodNs);
    const time = { ...floor, index: 0 };
    if (floor.seconds !== seconds || floor.nanoseconds !== nanoseconds) this.advance(time);
    return time;
  }

  /** Moves a grid time to the next one, in place. */
  advance(time: GridTime): void {
    if (this.#whole) {
      if (++time.index === this.rate) {
        time.index = 0;
        time.seconds++;
      }
      time.nanoseconds = this.#nanosecondsAt(time.index);
      return;
    }
    const next = time.nanoseconds + this.#periodNs;
    const carry = Math.floor(next / second);
    time.seconds += carry;
    time.nanoseconds = next - carry * second;
  }

  #nanosecondsAt(index: number): number {
    return Math.floor((index * second) / this.rate);
  }
}

export interface GridTime extends Time {
  /** Within the second, for rates of a whole number. */
  index: number;
}
