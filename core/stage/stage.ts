/** How every stage of the line is run. Its constructor or factory only assigns; `start` does the I/O. */
export interface Stage {
  /** Resolves when the stage works; rejects, with nothing left open, when it cannot. Call it once. */
  start(): Promise<void>;
  /** Takes nothing new, finishes and commits what it holds, closes what it opened. Safe to call twice. */
  stop(): Promise<void>;
  /** Rejects when the stage cannot continue by itself; never resolves. Retryable trouble does not reject it. */
  readonly failed: Promise<never>;
}

/** What a stage has of its own. */
export interface StageParts {
  /** Opens what the stage needs and starts its work. `fail` reports that the stage has ended by an error. */
  open(fail: (error: unknown) => void): Promise<void>;
  /** Ends what `open` began; also called where `open` rejected halfway. It is called once. */
  close(): Promise<void>;
  /** Starts the periodic status reports, after `open` and until after `close`. */
  report?(): { stop(): Promise<void> };
}

/** A stage from its parts: opened once, closed once, whatever happens first. */
export function createStage({ open, close, report }: StageParts): Stage {
  const failure = Promise.withResolvers<never>();
  // Nobody needs to watch a stage: an error that nobody waits for must not end the process.
  failure.promise.catch(() => {});
  let reports: { stop(): Promise<void> } | undefined;
  let stopped: Promise<void> | undefined;

  async function shutDown(): Promise<void> {
    try {
      await close();
    } finally {
      await reports?.stop();
    }
  }

  function stop(): Promise<void> {
    stopped ??= shutDown();
    return stopped;
  }

  return {
    async start() {
      try {
        await open(failure.reject);
      } catch (error) {
        // Why it could not start matters more than what closing the rest made of it.
        await stop().catch(() => {});
        throw error;
      }
      if (!stopped) reports = report?.();
    },
    stop,
    failed: failure.promise,
  };
}
