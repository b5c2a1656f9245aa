import { Output, staleBatch } from './output.ts';
import type { StepResult, StepRows, StepSession } from './port.ts';
import { StateReader, StateWriter } from './state.ts';

/** What a step remembers of one device, and how. The steps that remember are written as this; {@link openByDevice} does the rest. */
export interface DeviceStep<State> {
  create(): State;
  /** A copy that may be changed while the original stays as it is. Large buffers may be shared where writing never reaches what the original sees. */
  fork(state: State): State;
  /** Takes in rows `from` up to `to`, all of one device, in their order, and adds what they complete to `output`. */
  run(state: State, rows: StepRows, from: number, to: number, output: Output): void;
  /** Rows that wait in the state. */
  held(state: State): number;
  write(state: State, writer: StateWriter): void;
  read(reader: StateReader): State;
}

interface Entry<State> {
  readonly state: State;
  /** How many rows the session had seen when it last saw the device: who was silent longest is forgotten first. */
  touched: number;
  /** Index into the names of the batch under way. */
  readonly device: number;
}

export interface ByDeviceOptions {
  /** Columns of the rows that go out. */
  readonly width: number;
  /** More devices than this are not remembered; those that were silent longest are forgotten, and what they held is counted. */
  readonly maxDevices?: number;
  /** Completes what is given with each batch, for steps whose rows carry more than columns. */
  readonly finish?: (rows: StepRows) => StepRows;
  /** See {@link StepSession.releaseSamples}. */
  readonly releaseSamples?: () => void;
  /** Told how many rows come. */
  readonly begin?: (count: number) => void;
  /** Whether it gives most rows as they are but for their values. */
  readonly keepsRows?: boolean;
}

/** Opens a session of a step that keeps a state by device. */
export function openByDevice<State>(step: DeviceStep<State>, options: ByDeviceOptions): StepSession {
  return new ByDevice(step, options);
}

/** Devices that a session remembers, unless told otherwise. */
export const defaultMaxDevices = 100_000;
/** Of the devices that are remembered, the share that is forgotten at once when there are too many: one scan does for many. */
const forgottenAtOnce = 1 / 16;

class ByDevice<State> implements StepSession {
  readonly #step: DeviceStep<State>;
  readonly #options: ByDeviceOptions;
  readonly #maxDevices: number;
  readonly #output: Output;
  #committed = new Map<string, Entry<State>>();
  #sequence = 0;
  /** The latest `apply`: what it changed, not yet committed. */
  #batch: Batch<State> | undefined;

  constructor(step: DeviceStep<State>, options: ByDeviceOptions) {
    this.#step = step;
    this.#options = options;
    this.#maxDevices = options.maxDevices ?? defaultMaxDevices;
    this.#output = new Output(options.width);
  }

  apply(rows: StepRows): StepResult {
    const output = this.#output;
    output.begin(rows, this.#options.keepsRows ? rows : undefined);
    // Most steps give about as many rows as they are given; those without columns give few.
    if (this.#options.width > 0) output.reserve(rows.count);
    this.#options.begin?.(rows.count);
    const batch: Batch<State> = { pending: new Map(), forgotten: new Set(), evicted: 0 };
    this.#batch = batch;
    const local: (Entry<State> | undefined)[] = new Array(rows.names.length);
    const { devices, count } = rows;
    for (let from = 0; from < count; ) {
      const device = devices[from]!;
      let to = from + 1;
      while (to < count && devices[to] === device) to++;
      local[device] ??= this.#entry(batch, rows.names[device]!, device, local);
      const entry = local[device]!;
      this.#step.run(entry.state, rows, from, to, output);
      entry.touched = this.#sequence + to;
      from = to;
    }
    const given = output.rows();
    return {
      rows: this.#options.finish ? this.#options.finish(given) : given,
      skips: output.skips,
      counts: output.counts(batch.evicted),
      committed: () => this.#commit(batch, count),
    };
  }

  release(): void {
    this.#output.release();
    this.releaseSamples();
  }

  releaseSamples(): void {
    this.#options.releaseSamples?.();
  }

  held(): number {
    let held = 0;
    for (const { state } of this.#committed.values()) held += this.#step.held(state);
    return held;
  }

  heldOf(device: string): number {
    const entry = this.#committed.get(device);
    return entry ? this.#step.held(entry.state) : 0;
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    writer.number(this.#sequence);
    writer.number(this.#committed.size);
    // In an order of their own, so that the same past gives the same bytes however it was cut into batches.
    for (const name of [...this.#committed.keys()].sort()) {
      const { state, touched } = this.#committed.get(name)!;
      writer.text(name);
      writer.number(touched);
      this.#step.write(state, writer);
    }
    return writer.finish();
  }

  load(bytes: Uint8Array): void {
    const reader = new StateReader(bytes);
    const sequence = reader.number();
    const committed = new Map<string, Entry<State>>();
    for (let left = reader.count(reader.left); left > 0; left--) {
      const name = reader.text();
      const touched = reader.number();
      committed.set(name, { state: this.#step.read(reader), touched, device: -1 });
    }
    reader.end();
    this.#sequence = sequence;
    this.#committed = committed;
    this.#batch = undefined;
  }

  #entry(batch: Batch<State>, name: string, device: number, local: (Entry<State> | undefined)[]): Entry<State> {
    const before = batch.forgotten.has(name) ? undefined : this.#committed.get(name);
    if (!before) this.#makeRoom(batch, local);
    const state = before ? this.#step.fork(before.state) : this.#step.create();
    const entry = { state, touched: before?.touched ?? 0, device };
    batch.pending.set(name, entry);
    return entry;
  }

  #makeRoom(batch: Batch<State>, local: (Entry<State> | undefined)[]): void {
    // Quick for the common case: even if every pending device were new there is room.
    if (this.#committed.size + batch.pending.size < this.#maxDevices) return;
    const live = new Map<string, Entry<State>>();
    for (const [name, entry] of this.#committed) if (!batch.forgotten.has(name)) live.set(name, entry);
    for (const [name, entry] of batch.pending) live.set(name, entry);
    if (live.size < this.#maxDevices) return;
    const oldestFirst = [...live].sort(([, left], [, right]) => left.touched - right.touched);
    for (const [name, entry] of oldestFirst.slice(0, Math.max(1, Math.floor(this.#maxDevices * forgottenAtOnce)))) {
      batch.evicted += this.#step.held(entry.state);
      batch.forgotten.add(name);
      if (batch.pending.delete(name)) local[entry.device] = undefined;
    }
  }

  #commit(batch: Batch<State>, count: number): void {
    if (this.#batch !== batch) throw staleBatch();
    this.#batch = undefined;
    for (const name of batch.forgotten) this.#committed.delete(name);
    for (const [name, entry] of batch.pending) this.#committed.set(name, entry);
    this.#sequence += count;
  }
}

interface Batch<State> {
  readonly pending: Map<string, Entry<State>>;
  /** Names whose committed state counts no more. */
  readonly forgotten: Set<string>;
  evicted: number;
}
