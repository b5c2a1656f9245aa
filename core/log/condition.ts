/** A condition variable: some wait until others have changed something. */
export class Condition {
  readonly #waiting = new Set<() => void>();

  /** Something has changed: all who wait check again. */
  notifyAll(): void {
    for (const check of this.#waiting) check();
  }

  /** Resolves once `ready` returns true, which is checked at once and after each notification, or when the signal aborts. */
  wait(signal: AbortSignal, ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || ready()) return resolve();
      const check = () => {
        if (!signal.aborted && !ready()) return;
        this.#waiting.delete(check);
        signal.removeEventListener('abort', check);
        resolve();
      };
      this.#waiting.add(check);
      signal.addEventListener('abort', check);
    });
  }
}
