import type { Delta, Second, Snapshot } from '../events.ts';

const keepSeconds = 610;

/** What the page knows: the last snapshot with every delta since laid over it. */
export class State {
  #figures: Snapshot | undefined;
  readonly #seconds = new Map<number, Second>();

  /** Undefined until the first snapshot. */
  get figures(): Snapshot | undefined {
    return this.#figures;
  }

  /** By second since the epoch. */
  get seconds(): ReadonlyMap<number, Second> {
    return this.#seconds;
  }

  begin(snapshot: Snapshot): void {
    this.#figures = snapshot;
    this.#seconds.clear();
    for (const second of snapshot.seconds) this.#seconds.set(second.at, second);
  }

  apply(delta: Delta): void {
    if (!this.#figures) return;
    const { seconds = [], ...sections } = delta;
    this.#figures = { ...this.#figures, ...sections };
    for (const second of seconds) this.#seconds.set(second.at, second);
    const oldest = Math.floor(delta.at / 1_000) - keepSeconds;
    for (const at of this.#seconds.keys()) if (at < oldest) this.#seconds.delete(at);
  }
}
