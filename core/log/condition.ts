/** Lets some wait until others have changed something. */
export class Notice {
  readonly #waiting = new Set<() => void>();

  /** Something changed: all who wait look again. */
  give(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves as soon as `ready` says so, asked at once and then at each notice, or when the signal aborts. */
  until(signal: AbortSignal, ready: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || ready()) return resolve();
      const look = () => {
        if (!signal.aborted && !ready()) return;
        this.#waiting.delete(look);
        signal.removeEventListener('abort', look);
        resolve();
      };
      this.#waiting.add(look);
      signal.addEventListener('abort', look);
    });
  }
}
