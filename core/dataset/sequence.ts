/** Steps of fractions are equal up to what rounding them to a few digits does. */
const evenWithin = 1e-3;

/** How the numbers of a column follow each other: whether they count, or are times. */
export class Sequence {
  count = 0;
  least = Number.POSITIVE_INFINITY;
  most = Number.NEGATIVE_INFINITY;
  rises = 0;
  /** Whether each number is as much above or below the one before it as the second is above or below the first. */
  evenSteps = true;
  #previous = Number.NaN;
  #step = Number.NaN;

  take(value: number): void {
    this.count += 1;
    if (value < this.least) this.least = value;
    if (value > this.most) this.most = value;
    if (this.count > 1) {
      const step = value - this.#previous;
      if (step > 0) this.rises += 1;
      if (this.count === 2) this.#step = step;
      else if (Math.abs(step - this.#step) > Math.abs(this.#step) * evenWithin) this.evenSteps = false;
    }
    this.#previous = value;
  }

  /** Whether every number is above the one before it. */
  get isRising(): boolean {
    return this.count > 1 && this.rises === this.count - 1;
  }

  /** The share of numbers that are above the one before them. */
  get rising(): number {
    return this.count > 1 ? this.rises / (this.count - 1) : 0;
  }
}
