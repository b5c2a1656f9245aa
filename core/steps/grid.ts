import { floorTo, second, since, type Time } from './time.ts';

/**
 * The regular times of a rate, aligned to the epoch. With a whole number of samples a second they are `s + floor(i * 1e9 / rate)` ns, so that
 * none drifts; any other rate has the period of whole nanoseconds that is nearest.
 */
export class Grid {
  readonly rate: number;
  readonly #whole: boolean;
  readonly #periodNs: number;
  /** Whether a second holds a whole number of whole periods. */
  readonly #isEven: boolean;

  constructor(rate: number) {
    this.rate = rate;
    this.#whole = Number.isInteger(rate);
    this.#periodNs = Math.round(second / rate);
    this.#isEven = this.#whole && second % rate === 0;
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
      time.nanoseconds = this.#isEven ? time.index * this.#periodNs : this.#nanosecondsAt(time.index);
      return;
    }
    const next = time.nanoseconds + this.#periodNs;
    const carry = Math.floor(next / second);
    time.seconds += carry;
    time.nanoseconds = next - carry * second;
  }

  /** The grid time that comes so many steps after another. */
  after({ seconds, nanoseconds, index }: GridTime, steps: number): GridTime {
    if (this.#whole) {
      const next = (index + steps) % this.rate;
      const whole = seconds + (index + steps - next) / this.rate;
      return { seconds: whole, nanoseconds: this.#nanosecondsAt(next), index: next };
    }
    const next = nanoseconds + steps * this.#periodNs;
    const carry = Math.floor(next / second);
    return { seconds: seconds + carry, nanoseconds: next - carry * second, index };
  }

  /** How many times, from `from` up to `to`, are the grid's from `time` on, one after the other; moves `time` behind them. */
  follow(time: GridTime, seconds: Float64Array, nanoseconds: Int32Array, from: number, to: number): number {
    let at = from;
    while (at < to && nanoseconds[at] === time.nanoseconds && seconds[at] === time.seconds) {
      this.advance(time);
      at++;
    }
    return at - from;
  }

  /** Moves a grid time behind another time. */
  pass(time: GridTime, seconds: number, nanoseconds: number): void {
    while (since(seconds, nanoseconds, time.seconds, time.nanoseconds) >= 0) this.advance(time);
  }

  /** At most so many nanoseconds lie between two times that follow each other. */
  get stepNs(): number {
    return this.#whole ? Math.ceil(second / this.rate) : this.#periodNs;
  }

  /**
   * Writes the grid times from `time` on that are not after a time into arrays that are long enough, and moves `time` behind them.
   * @returns how many
   */
  fill(time: GridTime, to: Time, seconds: Float64Array, nanoseconds: Int32Array, at: number): number {
    if (this.#isEven) return this.#fillEven(time, to, seconds, nanoseconds, at);
    let row = at;
    while (time.seconds < to.seconds || (time.seconds === to.seconds && time.nanoseconds <= to.nanoseconds)) {
      seconds[row] = time.seconds;
      nanoseconds[row] = time.nanoseconds;
      row++;
      this.advance(time);
    }
    return row - at;
  }

  /** The common case, second by second. */
  #fillEven(time: GridTime, to: Time, seconds: Float64Array, nanoseconds: Int32Array, at: number): number {
    const period = this.#periodNs;
    let row = at;
    while (time.seconds <= to.seconds) {
      const whole = time.seconds;
      const end = whole < to.seconds ? this.rate : Math.floor(to.nanoseconds / period) + 1;
      let index = time.index;
      for (; index < end; index++, row++) {
        seconds[row] = whole;
        nanoseconds[row] = index * period;
      }
      const isFull = index >= this.rate;
      time.seconds = isFull ? whole + 1 : whole;
      time.index = isFull ? 0 : index;
      if (!isFull) break;
    }
    time.nanoseconds = time.index * period;
    return row - at;
  }

  /** At least as many grid times as lie from one time to another. */
  most(from: Time, to: Time): number {
    return Math.max(
      0,
      Math.ceil((since(to.seconds, to.nanoseconds, from.seconds, from.nanoseconds) / second) * this.rate) + 2,
    );
  }

  #nanosecondsAt(index: number): number {
    return Math.floor((index * second) / this.rate);
  }
}

export interface GridTime extends Time {
  /** Within the second, for rates of a whole number. */
  index: number;
}
