import type { ModelOutput } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import type { ModelSession } from '../model-change/model-slot.ts';
import { describeChallenger, predict } from '../stream-model.ts';

/** What a challenger returned for a batch. */
export interface ChallengerOutput {
  readonly output: ModelOutput;
  readonly tookMs: number;
}

export interface BoundedPredictionOptions {
  /** How long the champion's predictions may wait for those of a challenger. Default 100 ms. */
  readonly timeoutMs?: number;
  /** Gets the reason why a batch was not labelled. */
  readonly failed: (reason: string) => void;
}

/** Returns undefined where the challenger failed, was too slow or rests. Never rejects. */
export type BoundedPrediction = (session: ModelSession, rows: Rows) => Promise<ChallengerOutput | undefined>;

/**
 * Lets a challenger predict without letting it fail or delay the champion: what it throws is noted; a batch waits for it only
 * briefly; one that took too long rests as long again, so that it never costs more than half of the time.
 */
export function createBoundedPrediction({ timeoutMs = 100, failed }: BoundedPredictionOptions): BoundedPrediction {
  let restUntilMs = 0;
  /** A prediction that nobody waits for any more, but that still keeps the challenger busy. */
  let late = false;

  async function outputOf({ streamModel, session }: ModelSession, rows: Rows): Promise<ModelOutput> {
    const output = predict(streamModel, session, rows);
    if (!(output instanceof Promise)) return output;
    const timer = Promise.withResolvers<undefined>();
    const timeout = setTimeout(timer.resolve, timeoutMs, undefined);
    try {
      const first = await Promise.race([output, timer.promise]);
      if (first) return first;
      late = true;
      const settled = () => {
        late = false;
      };
      output.then(settled, settled);
      throw new Error(`no prediction within ${timeoutMs} ms`);
    } finally {
      clearTimeout(timeout);
    }
  }

  return async (session, rows) => {
    const startedMs = performance.now();
    if (late || startedMs < restUntilMs) return undefined;
    try {
      return { output: await outputOf(session, rows), tookMs: performance.now() - startedMs };
    } catch (error) {
      failed(describeChallenger(session.streamModel, error));
      return undefined;
    } finally {
      const endedMs = performance.now();
      if (endedMs - startedMs > timeoutMs) restUntilMs = endedMs + (endedMs - startedMs);
    }
  };
}
