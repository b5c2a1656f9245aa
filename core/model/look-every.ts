import { describeError } from '../wire/errors.ts';

export interface Looking {
  readonly everyMs: number;
  readonly look: () => Promise<void>;
  /** Told once of each reason why looks in a row fail. */
  readonly refused: (error: unknown) => void;
}

/** Looks again and again, each time `everyMs` after the look before has ended. `stop` waits for the one under way. */
export function lookEvery({ everyMs, look, refused }: Looking): { stop(): Promise<void> } {
  let told: string | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  async function lookOnce(): Promise<void> {
    try {
      await look();
      told = undefined;
    } catch (error) {
      const reason = describeError(error);
      if (stopped || reason === told) return;
      told = reason;
      refused(error);
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => {
      looking = lookOnce().finally(schedule);
    }, everyMs);
    timer.unref();
  }
  schedule();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
