import type { StoredRecord } from '../../core/log/port.ts';
import { openRegistry } from '../../core/model/registry/folder.ts';
import type { DeadLetter } from '../../core/wire/dead-letter.ts';
import { decodeRecord, isSamples } from '../../core/wire/decode-samples.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import { sampleCount } from '../../core/wire/samples.ts';
import { identityOf } from '../line/identities.ts';
import { saidByWindow, startOf, type Undisturbed, undisturbed } from '../line/undisturbed.ts';
import type { WindowEvidence } from './check-windows.ts';
import type { Line } from './line.ts';
import { topicsOfCase } from './streams.ts';

export interface WindowSources {
  /** The readings topic. */
  readonly records: readonly StoredRecord[];
  /** Dead letters of classifiers. */
  readonly dead: readonly DeadLetter[];
  readonly predictions: readonly Prediction[];
  /** What all classifiers counted by a name. */
  readonly counted: (name: string) => number;
}

/** What is known of the windows of a line: what its log should give by each version of its model, and what it gave. */
export async function gatherWindows(
  line: Line,
  { records, dead, predictions, counted }: WindowSources,
): Promise<WindowEvidence> {
  const registry = openRegistry({ folder: line.models, name: line.case.stream });
  const places = new Set(dead.map(({ partition, offset }) => `${partition} ${offset}`));
  const isDead = ({ partition, offset }: StoredRecord) => places.has(`${partition} ${offset}`);
  const found = new Map<number, Undisturbed>();
  for (const version of await registry.versions()) {
    const model = await registry.load(version);
    try {
      const fields = model.steps?.channels ?? model.fields;
      const stream = { name: line.case.stream, fields, topics: topicsOfCase(line.case) };
      found.set(version, await undisturbed(stream, model, records, isDead));
    } finally {
      await model.close();
    }
  }
  return {
    undisturbed: found,
    predictions: predictions.map((prediction) => ({
      identity: identityOf(prediction),
      start: startOf(prediction),
      version: prediction.model.version,
      said: saidByWindow(prediction),
    })),
    counted: {
      consumed: counted('consumed'),
      duplicates: counted('duplicates'),
      mixed: counted('mixed'),
      skipped: counted('skipped'),
    },
    samples: samplesOf(records),
  };
}

/** How many samples records hold, over all. */
function samplesOf(records: readonly StoredRecord[]): number {
  let samples = 0;
  for (const { value } of records) {
    const record = decodeRecord(value);
    if (typeof record !== 'string') samples += isSamples(record) ? sampleCount(record.values) : 1;
  }
  return samples;
}
