const windowMs = 5_000;
const minWindowMs = 1_000;

/** How many readings a second the spool sends to the log, over the last seconds. */
export class DrainRate {
  readonly #nowMs: () => number;
  #sent: { readonly atMs: number; readonly readings: number }[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(readings: number): void {
    this.#forget();
    this.#sent.push({ atMs: this.#nowMs(), readings });
  }

  get perSecond(): number {
    this.#forget();
    const first = this.#sent[0];
    if (first === undefined) return 0;
    const readings = this.#sent.reduce((sum, sent) => sum + sent.readings, 0);
    return (1_000 * readings) / Math.max(minWindowMs, this.#nowMs() - first.atMs);
  }

  #forget(): void {
    const oldest = this.#nowMs() - windowMs;
    const kept = this.#sent.findIndex(({ atMs }) => atMs >= oldest);
    this.#sent.splice(0, kept < 0 ? this.#sent.length : kept);
  }
}
