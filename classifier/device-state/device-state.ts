import type { StoredRecord } from '../../core/log/port.ts';
import type { Model, ModelOutput } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { FactTable, type KnownFact } from '../../core/steps/facts/table.ts';
import { compare, formatTime, nsOf, type Time, timeOf } from '../../core/steps/time.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { ReadingBatch } from '../decode.ts';
import { fits, load, readCheckpoint } from '../model-change/checkpoint.ts';
import { forgottenBy, type ModelSession, openModelSession } from '../model-change/model-slot.ts';
import { replayBatch } from '../model-change/replay.ts';
import type { PartitionSteps } from '../steps/partition-steps.ts';
import { createStreamModel, predict, type StreamModel } from '../stream-model.ts';

/** What a model predicts of a device from what is known of it. */
export interface DevicePrediction {
  /** One row, as the steps made it. */
  readonly rows: Rows;
  readonly output: ModelOutput;
  /** Nanoseconds since the epoch, as text. */
  readonly time: string;
  /** By kind, when the fact begins that the row rests on. */
  readonly facts: Readonly<Record<string, string>>;
}

/** The state of one partition number, as its classifier has it. */
interface FollowedPartition {
  readonly session: ModelSession;
  readonly steps: PartitionSteps;
  readonly readings: ReadingBatch;
  readonly facts: FactTable;
  /** Records since facts that ended long ago were taken out. */
  unpruned: number;
}

/** Facts are taken out with each checkpoint of a classifier; here, where none is written, after so many records of a partition. */
const pruneEvery = 10_000;

/** The state of all partitions for one model version, brought up to date with records of the log. It predicts and changes nothing else. */
export class DeviceState {
  readonly #stream: Stream;
  readonly #streamModel: StreamModel;
  readonly #partitions = new Map<number, FollowedPartition>();

  readonly #pruneEvery: number;

  /** @throws {GaplineError} `model-invalid` where the model needs what the stream does not have */
  constructor(stream: Stream, model: Model, everyRecords = pruneEvery) {
    this.#pruneEvery = everyRecords;
    this.#stream = stream;
    this.#streamModel = createStreamModel(stream, model);
  }

  get model(): Model {
    return this.#streamModel.model;
  }

  /**
   * Begins a partition with what its classifier kept.
   * @returns whether it could: else the partition begins with nothing, and needs all records that the log holds
   * @throws {RangeError} where the bytes are damaged, or of another version of Gapline
   */
  restore(partition: number, state: Uint8Array): boolean {
    const { sessions, facts } = readCheckpoint(state);
    const opened = this.#open(facts);
    const saved = opened && sessions.find((each) => each.role !== 'finishing' && fits(opened.session, each));
    if (!opened || !saved) return false;
    // Another version with the same steps has the same state of them, and a memory of its own.
    const { name, version } = this.model.identity;
    if (saved.name === name && saved.version === version) load(opened.session, saved);
    else opened.steps.load(saved.steps);
    this.#partitions.set(partition, opened);
    return true;
  }

  /** Takes records of one partition of one topic, in their order. */
  take(records: readonly StoredRecord[]): void {
    const [first] = records;
    if (!first) return;
    const partition = this.#partitions.get(first.partition) ?? this.#open(new FactTable());
    if (!partition) return;
    this.#partitions.set(first.partition, partition);
    replayBatch([partition.session], records, partition.readings, partition.facts);
    partition.unpruned += records.length;
    if (partition.unpruned < this.#pruneEvery) return;
    partition.unpruned = 0;
    partition.facts.prune(forgottenBy([partition.session]));
  }

  /** Facts of all partitions. */
  get factCount(): number {
    return [...this.#partitions.values()].reduce((sum, { facts }) => sum + facts.size, 0);
  }

  /**
   * @param atNs - default: now, or the last reading of the device where its clock is ahead
   * @throws {GaplineError} `device-unknown`, `row-missing` or `fact-missing`
   */
  async predict(device: string, atNs: bigint | undefined): Promise<DevicePrediction> {
    for (const { session, steps, facts } of this.#partitions.values()) {
      const last = steps.lastTimeOf(device);
      if (!last) continue;
      const time = timeFor(device, last, atNs);
      const measured = steps.rowAt(device, time);
      if (!measured) throw new GaplineError('row-missing', 'the steps of the model give no row of a device by itself');
      const covered = this.#covered(facts, device, time, measured);
      const times = BigInt64Array.of(nsOf(time.seconds, time.nanoseconds));
      const rows = { count: 1, width: covered.values.length, values: covered.values, devices: [device], times };
      const output = await predict(session.streamModel, session.session, rows);
      return { rows, output, time: formatTime(time.seconds, time.nanoseconds), facts: covered.facts };
    }
    throw new GaplineError('device-unknown', `there is no reading of device ${JSON.stringify(device.slice(0, 256))}`);
  }

  #covered(table: FactTable, device: string, time: Time, measured: Float64Array) {
    const { needs = [] } = this.model.steps?.chain.facts ?? {};
    const values = [...measured];
    const facts: Record<string, string> = {};
    for (const need of needs) {
      const fact = table.find(need.kind, device, time.seconds, time.nanoseconds);
      if (!fact && need.isRequired) throw notCovered(need.kind, device, time, table.of(need.kind, device));
      if (fact) facts[need.kind] = fact.from;
      for (const name of need.values) values.push(fact?.values[name] ?? Number.NaN);
    }
    return { values: Float64Array.from(values), facts };
  }

  /** Undefined where the model keeps no state of devices. */
  #open(facts: FactTable): FollowedPartition | undefined {
    const session = openModelSession(this.#streamModel, facts);
    return (
      session.steps && { session, steps: session.steps, readings: new ReadingBatch(this.#stream), facts, unpruned: 0 }
    );
  }
}

function timeFor(device: string, last: Time, atNs: bigint | undefined): Time {
  const time = timeOf(atNs ?? BigInt(Date.now()) * 1_000_000n);
  if (compare(time.seconds, time.nanoseconds, last.seconds, last.nanoseconds) >= 0) return time;
  if (atNs === undefined) return last;
  const name = JSON.stringify(device.slice(0, 256));
  throw new GaplineError('row-missing', `time: it is before the last reading of ${name}, at ${iso(last)}`);
}

function notCovered(kind: string, device: string, time: Time, known: readonly KnownFact[]): GaplineError {
  const before = known.findLast((each) => compare(each.seconds, each.nanoseconds, time.seconds, time.nanoseconds) <= 0);
  const last = before?.to ? `; the last one ended at ${iso(before.to)}` : '';
  const name = JSON.stringify(device.slice(0, 256));
  return new GaplineError('fact-missing', `no ${kind} of ${name} holds at ${iso(time)}${last}`);
}

const iso = ({ seconds }: Time): string => {
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
};
