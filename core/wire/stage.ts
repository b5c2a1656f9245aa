/** How every stage of the line is run. Its constructor or factory only assigns; `start` does the I/O. */
export interface Stage {
  /** Resolves when the stage works; rejects, with nothing left open, when it cannot. Call it once. */
  start(): Promise<void>;
  /** Takes nothing new, finishes and commits what it holds, closes what it opened. Safe to call twice. */
  stop(): Promise<void>;
  /** Rejects when the stage cannot go on by itself; never resolves. Retryable trouble does not reject it. */
  readonly failed: Promise<never>;
}
