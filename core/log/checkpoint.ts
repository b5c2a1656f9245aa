import { randomUUID } from 'node:crypto';
import { GaplineError } from '../wire/errors.ts';
import type {
  Checkpoint,
  CheckpointOptions,
  CheckpointRequest,
  Output,
  PipeHandlers,
  PipeOptions,
  Positions,
  StoredRecord,
} from './port.ts';

/** A checkpoint larger than this is several records: engines bound the size of one. */
const maxPartBytes = 500_000;
const format = 1;
const newline = 0x0a;

/** The first line of each record of a checkpoint, as JSON; behind it stand bytes of the state. */
interface Header {
  readonly format: number;
  /** The same in all parts of one checkpoint. */
  readonly id: string;
  readonly part: number;
  readonly parts: number;
  /** By topic, as decimal strings. */
  readonly positions: Readonly<Record<string, string>>;
}

const keyOf = (partition: number, part: number) => (part === 0 ? `${partition}` : `${partition}/${part}`);

/** A checkpoint as records. All go to one partition of the topic; the key of the first is the number of the input partition. */
export function encodeCheckpoint(topic: string, partition: number, { positions, state }: Checkpoint): Output[] {
  const parts = Math.max(1, Math.ceil(state.length / maxPartBytes));
  const shared = { format, id: randomUUID(), parts, positions: textsOf(positions) };
  return Array.from({ length: parts }, (_, part) => {
    const header: Header = { ...shared, part };
    const bytes = state.subarray(part * maxPartBytes, (part + 1) * maxPartBytes);
    const value = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes]);
    return { topic, key: keyOf(partition, part), partitionKey: `${partition}`, value };
  });
}

const textsOf = (positions: Positions) => Object.fromEntries(Array.from(positions, ([topic, at]) => [topic, `${at}`]));

/** Puts a checkpoint of one input partition together from the records of its topic, given in their order. */
export class CheckpointParts {
  readonly #prefix: string;
  readonly #first: string;
  readonly #parts = new Map<string, Uint8Array>();

  constructor(partition: number) {
    this.#first = keyOf(partition, 0);
    this.#prefix = `${partition}/`;
  }

  add(records: readonly StoredRecord[]): void {
    for (const { key, value } of records)
      if (key === this.#first || key?.startsWith(this.#prefix)) this.#parts.set(key, value);
  }

  /**
   * The last whole checkpoint; undefined where there is none.
   * @throws {GaplineError} `log-corrupt` where it cannot be read, or another version of Gapline wrote it
   */
  checkpoint(): Checkpoint | undefined {
    try {
      return this.#assemble();
    } catch (error) {
      throw new GaplineError('log-corrupt', `The checkpoint of partition ${this.#first} cannot be read`, {
        cause: error,
        retryable: false,
      });
    }
  }

  #assemble(): Checkpoint | undefined {
    const first = this.#read(this.#first);
    if (!first) return undefined;
    const { id, parts, positions } = first.header;
    const pieces = [first.bytes];
    for (let part = 1; part < parts; part++) {
      const next = this.#read(`${this.#prefix}${part}`);
      if (next?.header.id !== id) return undefined;
      pieces.push(next.bytes);
    }
    const offsets = Object.entries(positions).map(([topic, at]) => [topic, BigInt(at)] as const);
    return { positions: new Map(offsets), state: Buffer.concat(pieces) };
  }

  #read(key: string): { readonly header: Header; readonly bytes: Uint8Array } | undefined {
    const value = this.#parts.get(key);
    if (!value) return undefined;
    const end = value.indexOf(newline);
    if (end < 0) throw new RangeError('it has no header');
    const header = JSON.parse(new TextDecoder().decode(value.subarray(0, end))) as Header;
    if (header.format !== format) throw new RangeError(`it is of format ${header.format}, not ${format}`);
    return { header, bytes: value.subarray(end + 1) };
  }
}

/**
 * Whether a checkpoint and what a log still holds give the state at `committed`: nothing between is missing, and none of it is later.
 * An approximate one need only be of these topics.
 */
export function isUsable(
  { positions }: Checkpoint,
  committed: Positions,
  oldest: Positions,
  { approximate = false }: CheckpointRequest = {},
): boolean {
  for (const [topic, end] of committed) {
    const at = positions.get(topic);
    if (at === undefined) return false;
    if (!approximate && (at > end || (at < end && at < (oldest.get(topic) ?? 0n)))) return false;
  }
  return true;
}

/** What is written beside the outputs of a batch. */
export interface CheckpointWrite {
  /** The records of the checkpoint; none where there is nothing to keep. */
  readonly outputs: readonly Output[];
  /** What the checkpoint needs of the inputs: the records from here on. Undefined where it needs none. */
  readonly positions: Positions | undefined;
}

/** A batch, as far as it decides when a checkpoint is due. */
export interface InputBatch {
  readonly topic: string;
  readonly records: number;
  /** See `Transformed.commutes`. */
  readonly commutes?: boolean | undefined;
}

/** A checkpoint that took so long to make is followed by the next one only after so many times that: all of them take 2 % at most. */
const restAfterCost = 50;
/** One that is made so quickly needs no rest. */
const negligibleMs = 5;

/** Decides when a partition number gets its next checkpoint. */
export class Checkpoints {
  readonly #partition: number;
  readonly #options: Required<CheckpointOptions>;
  readonly #handlers: Required<Pick<PipeHandlers, 'save' | 'checkpointNow'>>;
  readonly #inputs: readonly string[];
  /** The last of the inputs that gave a batch since the last checkpoint; and one that does not commute. */
  #latest = 0;
  #latestFixed = 0;
  #records = Number.POSITIVE_INFINITY;
  #writtenMs = 0;
  /** How long the last one took to make. */
  #costMs = 0;
  #refusing = false;

  /** Undefined where the pipe keeps none. */
  static of(
    partition: number,
    { checkpoints, from }: Pick<PipeOptions, 'checkpoints' | 'from'>,
    { save, checkpointNow = () => false }: Pick<PipeHandlers, 'save' | 'checkpointNow'>,
  ): Checkpoints | undefined {
    return checkpoints && save && new Checkpoints(partition, checkpoints, from, { save, checkpointNow });
  }

  private constructor(
    partition: number,
    options: CheckpointOptions,
    inputs: readonly string[],
    handlers: Required<Pick<PipeHandlers, 'save' | 'checkpointNow'>>,
  ) {
    this.#partition = partition;
    this.#options = { everyRecords: 100_000, everyMs: 10_000, inAnyOrder: false, ...options };
    this.#inputs = inputs;
    this.#handlers = handlers;
  }

  /** The first batch after an assignment gets one. */
  restart(): void {
    this.#records = Number.POSITIVE_INFINITY;
  }

  /**
   * A checkpoint of the state as it is now committed, if one is due before a batch of this topic. It is where the inputs would no longer
   * come in their order, but for batches that commute: a replay goes through one after the other, and so gives exactly the state of what
   * happened since the checkpoint.
   */
  due(positions: () => Positions, { topic, commutes }: InputBatch): CheckpointWrite | undefined {
    const { everyRecords, everyMs, inAnyOrder } = this.#options;
    const sinceMs = performance.now() - this.#writtenMs;
    const isTime = this.#records >= everyRecords || sinceMs >= everyMs;
    const isDue =
      (isTime && sinceMs >= restAfterCost * this.#costMs) ||
      this.#records === Number.POSITIVE_INFINITY ||
      (!inAnyOrder && this.#inputs.indexOf(topic) < (commutes ? this.#latestFixed : this.#latest));
    return isDue || this.#handlers.checkpointNow(this.#partition) ? this.#take(positions()) : undefined;
  }

  #take(positions: Positions): CheckpointWrite {
    const began = performance.now();
    const state = this.#handlers.save(this.#partition);
    if (!state) return { outputs: [], positions: undefined };
    const outputs = encodeCheckpoint(this.#options.topic, this.#partition, { positions, state });
    const tookMs = performance.now() - began;
    this.#costMs = tookMs < negligibleMs ? 0 : tookMs;
    return { outputs, positions };
  }

  /** A batch is committed, with this checkpoint. */
  committed(batch: InputBatch, written: CheckpointWrite | undefined): void {
    if (written) {
      this.#restartCadence();
      this.#refusing = false;
      this.#latest = 0;
      this.#latestFixed = 0;
    }
    this.#add(batch);
  }

  /** As {@link committed}, but the log takes no such checkpoint: the next one is tried when it is due. True for the first in a row. */
  refused(batch: InputBatch): boolean {
    const isFirst = !this.#refusing;
    this.#refusing = true;
    this.#restartCadence();
    this.#add(batch);
    return isFirst;
  }

  #add({ topic, records, commutes }: InputBatch): void {
    this.#records += records;
    const input = this.#inputs.indexOf(topic);
    this.#latest = Math.max(this.#latest, input);
    if (!commutes) this.#latestFixed = Math.max(this.#latestFixed, input);
  }

  #restartCadence(): void {
    this.#records = 0;
    this.#writtenMs = performance.now();
  }
}
