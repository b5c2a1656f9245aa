import type { ModelOutput } from '../core/model/model.ts';
import type { Rows } from '../core/model/rows.ts';
import { describeError } from '../core/wire/errors.ts';
import type { ReadingBatch } from './decode.ts';
import type { Station } from './model-slot.ts';
import { ask } from './serving.ts';

/** What a challenger said of a batch. */
export interface ShadowAnswer {
  readonly rows: Rows;
  readonly answer: ModelOutput;
  readonly tookMs: number;
}

export interface ShadowOptions {
  /** How long the champion's predictions may wait for those of a challenger. Default 100 ms. */
  readonly patienceMs?: number;
  /** Told why a batch was not labelled. */
  readonly failed: (reason: string) => void;
}

/**
 * Asks a challenger without letting it fail or hold up the champion: what it throws is noted; a batch waits for it only briefly; one
 * that took too long rests as long again, so that it never costs more than half of the time.
 */
export function createShadow({ patienceMs = 100, failed }: ShadowOptions) {
  let restUntilMs = 0;
  /** An answer that nobody waits for any more, but that still keeps the challenger busy. */
  let late = false;

  async function answerOf({ serving, session }: Station, readings: ReadingBatch) {
    const { rows, answer } = ask(serving, session, readings.rows());
    if (!(answer instanceof Promise)) return { rows, answer };
    const timer = Promise.withResolvers<undefined>();
    const timeout = setTimeout(timer.resolve, patienceMs, undefined);
    try {
      const said = await Promise.race([answer, timer.promise]);
      if (said) return { rows, answer: said };
      late = true;
      const settled = () => {
        late = false;
      };
      answer.then(settled, settled);
      throw new Error(`no answer within ${patienceMs} ms`);
    } finally {
      clearTimeout(timeout);
    }
  }

  return async (station: Station, readings: ReadingBatch): Promise<ShadowAnswer | undefined> => {
    const startedMs = performance.now();
    if (late || startedMs < restUntilMs) return undefined;
    try {
      return { ...(await answerOf(station, readings)), tookMs: performance.now() - startedMs };
    } catch (error) {
      const { name, version } = station.serving.model.identity;
      failed(`challenger ${name} version ${version}: ${describeError(error)}`);
      return undefined;
    } finally {
      const endedMs = performance.now();
      if (endedMs - startedMs > patienceMs) restUntilMs = endedMs + (endedMs - startedMs);
    }
  };
}

export type Shadow = ReturnType<typeof createShadow>;
