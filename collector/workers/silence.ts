/** A check that comes so late means that this process itself was stopped, and has not read what was sent meanwhile. */
const lateMs = 5_000;

/** Calls back once where nothing was heard of a process for too long: it hangs, and the connections that it took hang with it. */
export class SilenceWatch {
  readonly #timer: NodeJS.Timeout;
  #heardMs = performance.now();
  #checkedMs = performance.now();

  constructor(silentMs: number, silent: () => void) {
    this.#timer = setInterval(
      () => {
        const nowMs = performance.now();
        if (nowMs - this.#checkedMs > lateMs) this.#heardMs = nowMs;
        this.#checkedMs = nowMs;
        if (nowMs - this.#heardMs <= silentMs) return;
        this.stop();
        silent();
      },
      Math.min(1_000, silentMs / 4),
    );
    this.#timer.unref();
  }

  heard(): void {
    this.#heardMs = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
