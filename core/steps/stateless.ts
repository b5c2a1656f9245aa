import { emptySkips, staleBatch } from './output.ts';
import type { StepRows, StepSession } from './port.ts';

/**
 * Opens a session of a step that remembers nothing: every row passes, and its values follow from this row alone.
 * @param valuesOf - the values of the rows that go out; columns may be used again for the next batch
 */
export function openStateless(valuesOf: (rows: StepRows) => Pick<StepRows, 'columns' | 'values'>): StepSession {
  let latest: object | undefined;
  return {
    apply(rows) {
      const batch = {};
      latest = batch;
      return {
        rows: { ...rows, ...valuesOf(rows) },
        skips: emptySkips(),
        counts: { consumed: rows.count, merged: 0, duplicates: 0, mixed: 0, evicted: 0 },
        committed: () => {
          if (latest !== batch) throw staleBatch();
          latest = undefined;
        },
      };
    },
    held: () => 0,
    save: () => new Uint8Array(0),
    load(state) {
      if (state.length > 0) throw new RangeError('the state is longer than this step writes: other parameters?');
      latest = undefined;
    },
  };
}
