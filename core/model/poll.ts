import { describeError } from '../wire/errors.ts';

export interface PollOptions {
  readonly everyMs: number;
  /** Whether the first poll is at once. Default: after `everyMs`. */
  readonly atOnce?: boolean;
  /** What it finds after the signal is aborted must not be passed on. */
  readonly look: (stopping: AbortSignal) => Promise<void>;
  /** Called once for each reason why polls in a row fail. */
  readonly refused: (error: unknown) => void;
}

/** Polls until `stop`, each time `everyMs` after the poll before has ended. `stop` waits for the one under way. */
export function poll({ everyMs, atOnce = false, look, refused }: PollOptions): { stop(): Promise<void> } {
  let reported: string | undefined;
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> = Promise.resolve();

  async function pollOnce(): Promise<void> {
    try {
      await look(signal);
      reported = undefined;
    } catch (error) {
      const reason = describeError(error);
      if (signal.aborted || reason === reported) return;
      reported = reason;
      refused(error);
    }
  }

  function schedule(afterMs: number): void {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      underWay = pollOnce().finally(() => schedule(everyMs));
    }, afterMs);
    timer.unref();
  }
  schedule(atOnce ? 0 : everyMs);

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await underWay;
    },
  };
}
