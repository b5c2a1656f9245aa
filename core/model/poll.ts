import { describeError } from '../wire/errors.ts';

export interface PollOptions {
  readonly everyMs: number;
  /** Whether the first look is at once. Default: after `everyMs`. */
  readonly atOnce?: boolean;
  /** What it finds after the signal is aborted, it must not hand on. */
  readonly look: (stopping: AbortSignal) => Promise<void>;
  /** Told once of each reason why looks in a row fail. */
  readonly refused: (error: unknown) => void;
}

/** Looks again and again, each time `everyMs` after the look before has ended. `stop` waits for the one under way. */
export function poll({ everyMs, atOnce = false, look, refused }: PollOptions): { stop(): Promise<void> } {
  let told: string | undefined;
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  async function lookOnce(): Promise<void> {
    try {
      await look(signal);
      told = undefined;
    } catch (error) {
      const reason = describeError(error);
      if (signal.aborted || reason === told) return;
      told = reason;
      refused(error);
    }
  }

  function schedule(afterMs: number): void {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      looking = lookOnce().finally(() => schedule(everyMs));
    }, afterMs);
    timer.unref();
  }
  schedule(atOnce ? 0 : everyMs);

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await looking;
    },
  };
}
