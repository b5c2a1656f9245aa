import type { Output, PipeHandlers, Sink, StoredRecord } from './port.ts';

/** A drain is a pipe whose only outputs are dead letters. */
export function sinkAsHandlers(
  sink: Sink,
  rejected: (record: StoredRecord, reason: unknown, maxBytes?: number) => Output,
  stalled: PipeHandlers['stalled'],
): PipeHandlers {
  return {
    transform: async (batch) => ({
      outputs: (await sink(batch)).map(({ record, reason }) => rejected(record, reason)),
    }),
    deadLetter: rejected,
    ...(stalled && { stalled }),
  };
}
