import type { StateReader, StateWriter } from '../state.ts';
import { compare, shift, type Time } from '../time.ts';

/** What a prediction repeats of a row beside its device, time and values. */
export interface RowNote {
  /** When the collector took the reading that completed it; absent in a table. */
  readonly received?: string;
  readonly truth?: string | undefined;
  /** Of a window. */
  readonly window?: { readonly from: string; readonly samples: number; readonly missing: number };
}

/** A row that waits for a fact. */
export interface HeldRow extends Time {
  readonly device: string;
  readonly values: Float64Array;
  readonly note: RowNote;
  /** The kind of fact that it waits for. */
  readonly kind: string;
  /** Later than this, in event time of its device, it is skipped. */
  readonly deadline: Time;
  /** Grows from row to row. */
  readonly sequence: number;
}

/** How much may wait in one partition. */
export interface HeldBounds {
  readonly maxRows: number;
  readonly maxBytes: number;
  /**
   * How long a fact that ended is still looked up beyond the longest lateness, in event time of its device, in nanoseconds. Default 7 days:
   * a device may send what it kept while it was offline.
   */
  readonly endedNs?: number;
}

const defaultBounds: HeldBounds = { maxRows: 100_000, maxBytes: 64 << 20 };
/** Devices whose event time is remembered; the one seen first is forgotten first, with the rows that it holds. */
const maxDevices = 100_000;
/** What a row takes beside its values, about. */
const rowBytes = 400;

/** Of one device: its event time, which is the largest seen, and its rows that wait, in their order. */
interface Device extends Time {
  readonly held: HeldRow[];
  /** No row that waits has a deadline in an earlier second. */
  earliest: number;
}

const noFact = 'no-fact';
/** The reason of a skip: more rows wait than may. */
export const heldFull = 'held-full';
const forgotten = 'forgotten-device';

/** The rows of one partition that wait for facts: the committed state. */
export class HeldRows {
  readonly #width: number;
  readonly #bounds: HeldBounds;
  readonly devices = new Map<string, Device>();
  /** By sequence, oldest first. */
  readonly rows = new Map<number, HeldRow>();
  sequence = 0;

  constructor(width: number, bounds = defaultBounds) {
    this.#width = width;
    this.#bounds = bounds;
  }

  get count(): number {
    return this.rows.size;
  }

  get bytes(): number {
    return this.rows.size * this.#bytesOfRow;
  }

  get #bytesOfRow(): number {
    return rowBytes + this.#width * 8;
  }

  /** Rows that may wait, at most. */
  get most(): number {
    return Math.max(1, Math.min(this.#bounds.maxRows, Math.floor(this.#bounds.maxBytes / this.#bytesOfRow)));
  }

  draft(): Draft {
    return new Draft(this);
  }

  commit(draft: Draft): void {
    for (const name of draft.forgotten) this.devices.delete(name);
    for (const [name, device] of draft.devices) this.devices.set(name, device);
    for (const sequence of draft.removed) this.rows.delete(sequence);
    for (const [sequence, row] of draft.added) this.rows.set(sequence, row);
    // A row that waits for something else now keeps its place.
    this.sequence = draft.sequence;
  }

  clear(): number {
    const count = this.rows.size;
    this.rows.clear();
    for (const { held } of this.devices.values()) held.splice(0);
    return count;
  }

  write(writer: StateWriter): void {
    writer.number(this.devices.size);
    for (const [name, { seconds, nanoseconds }] of this.devices) {
      writer.text(name);
      writer.number(seconds);
      writer.number(nanoseconds);
    }
    writer.number(this.rows.size);
    for (const { device, seconds, nanoseconds, values, note, kind, deadline } of this.rows.values()) {
      writer.text(device);
      writer.number(seconds);
      writer.number(nanoseconds);
      writer.numbers(values);
      writer.text(JSON.stringify(note));
      writer.text(kind);
      writer.number(deadline.seconds);
      writer.number(deadline.nanoseconds);
    }
  }

  /** @throws {RangeError} where the bytes are not what `write` wrote */
  read(reader: StateReader): void {
    this.devices.clear();
    this.rows.clear();
    for (let left = reader.count(maxDevices); left > 0; left--)
      this.devices.set(reader.text(), {
        seconds: reader.number(),
        nanoseconds: reader.number(),
        held: [],
        earliest: Number.POSITIVE_INFINITY,
      });
    this.sequence = reader.count(Number.MAX_SAFE_INTEGER);
    for (let sequence = 0; sequence < this.sequence; sequence++) {
      const device = reader.text();
      const time = { seconds: reader.number(), nanoseconds: reader.number() };
      const values = reader.numbers(this.#width);
      const note = JSON.parse(reader.text()) as RowNote;
      const kind = reader.text();
      const deadline = { seconds: reader.number(), nanoseconds: reader.number() };
      const row = { device, ...time, values, note, kind, deadline, sequence };
      this.rows.set(sequence, row);
      const own = this.devices.get(device);
      if (!own) throw new RangeError('the state is damaged: a row waits without its device');
      own.held.push(row);
      own.earliest = Math.min(own.earliest, deadline.seconds);
    }
  }
}

/** What is to be changed in the state by one batch; the state itself stays as it is until then. */
export class Draft {
  readonly #state: HeldRows;
  readonly #most: number;
  readonly devices = new Map<string, Device>();
  readonly forgotten = new Set<string>();
  readonly added = new Map<number, HeldRow>();
  readonly removed = new Set<number>();
  readonly skippedBy = new Map<string, number>();
  readonly missedBy = new Map<string, number>();
  readonly #oldest: Iterator<HeldRow>;
  readonly #firstSeen: Iterator<string>;
  sequence: number;

  constructor(state: HeldRows) {
    this.#state = state;
    this.#most = state.most;
    this.#oldest = state.rows.values();
    this.#firstSeen = state.devices.keys();
    this.sequence = state.sequence;
  }

  isHolding(name: string): boolean {
    const device = this.devices.get(name) ?? (this.forgotten.has(name) ? undefined : this.#state.devices.get(name));
    return device !== undefined && device.held.length > 0;
  }

  /** A row of a device came: its event time moves, and what has waited too long by that is skipped. */
  seen(name: string, seconds: number, nanoseconds: number): Device {
    const device = this.#device(name, seconds, nanoseconds);
    if (compare(seconds, nanoseconds, device.seconds, device.nanoseconds) > 0) {
      device.seconds = seconds;
      device.nanoseconds = nanoseconds;
      this.#expire(device);
    }
    return device;
  }

  /** Lets a row wait, unless its device is past that already. */
  hold(device: Device, row: Omit<HeldRow, 'deadline' | 'sequence'> & { readonly latenessNs: number }): void {
    const { latenessNs, ...rest } = row;
    const deadline = shift(row.seconds, row.nanoseconds, latenessNs);
    const held = { ...rest, deadline, sequence: this.sequence };
    if (isPast(device, deadline)) {
      this.#miss(held);
      return;
    }
    this.sequence += 1;
    device.held.push(held);
    device.earliest = Math.min(device.earliest, deadline.seconds);
    this.added.set(held.sequence, held);
    if (this.#count > this.#most) this.#skipOldest();
  }

  /** Looks at each row that a device holds: one that is done leaves, another waits for what is returned. */
  eachHeld(
    name: string,
    look: (row: HeldRow) => { readonly kind: string; readonly latenessNs: number } | undefined,
  ): void {
    const device = this.#device(name, 0, 0);
    for (const row of device.held.splice(0)) {
      const wait = look(row);
      if (!wait) {
        this.#remove(row);
        continue;
      }
      const next = wait.kind === row.kind ? row : waitingFor(row, wait);
      if (isPast(device, next.deadline)) {
        this.#remove(row);
        this.#miss(next);
        continue;
      }
      if (next !== row) this.#replace(next);
      device.held.push(next);
      device.earliest = Math.min(device.earliest, next.deadline.seconds);
    }
  }

  get #count(): number {
    return this.#state.rows.size - this.removed.size + this.added.size - this.#replaced;
  }

  #replaced = 0;

  /** A row of the state that changes keeps its sequence, and so its place among the oldest. */
  #replace(row: HeldRow): void {
    if (this.#state.rows.has(row.sequence) && !this.added.has(row.sequence)) this.#replaced += 1;
    this.added.set(row.sequence, row);
  }

  #remove({ sequence }: HeldRow): void {
    const isInState = this.#state.rows.has(sequence);
    if (this.added.delete(sequence) && isInState) this.#replaced -= 1;
    if (isInState) this.removed.add(sequence);
  }

  #device(name: string, seconds: number, nanoseconds: number): Device {
    const own = this.devices.get(name);
    if (own) return own;
    const known = this.forgotten.has(name) ? undefined : this.#state.devices.get(name);
    const device = known ? copyOf(known) : newDevice(seconds, nanoseconds);
    this.devices.set(name, device);
    if (!known) this.#makeRoom();
    return device;
  }

  #makeRoom(): void {
    let fresh = 0;
    if (this.#state.devices.size + this.devices.size <= maxDevices) return;
    for (const name of this.devices.keys()) if (!this.#state.devices.has(name) || this.forgotten.has(name)) fresh += 1;
    if (this.#state.devices.size - this.forgotten.size + fresh <= maxDevices) return;
    for (;;) {
      const { value: name, done } = this.#firstSeen.next();
      if (done) return;
      if (this.forgotten.has(name)) continue;
      this.#forget(name);
      return;
    }
  }

  #forget(name: string): void {
    const device = this.devices.get(name) ?? this.#state.devices.get(name);
    for (const row of device?.held ?? []) {
      this.#remove(row);
      this.#skip(forgotten);
    }
    this.devices.delete(name);
    this.forgotten.add(name);
  }

  #expire(device: Device): void {
    if (device.seconds < device.earliest) return;
    device.earliest = Number.POSITIVE_INFINITY;
    for (const row of device.held.splice(0)) {
      if (!isPast(device, row.deadline)) {
        device.held.push(row);
        device.earliest = Math.min(device.earliest, row.deadline.seconds);
      } else {
        this.#remove(row);
        this.#miss(row);
      }
    }
  }

  #skipOldest(): void {
    const row = this.#oldestRow();
    if (!row) return;
    const device = this.#device(row.device, row.seconds, row.nanoseconds);
    device.held.splice(
      device.held.findIndex(({ sequence }) => sequence === row.sequence),
      1,
    );
    this.#remove(row);
    this.#skip(heldFull);
  }

  #oldestRow(): HeldRow | undefined {
    for (;;) {
      const { value, done } = this.#oldest.next();
      if (done) break;
      if (!this.removed.has(value.sequence)) return value;
    }
    return this.added.values().next().value;
  }

  #miss({ kind }: HeldRow): void {
    this.#skip(noFact);
    this.missedBy.set(kind, (this.missedBy.get(kind) ?? 0) + 1);
  }

  #skip(reason: string): void {
    this.skippedBy.set(reason, (this.skippedBy.get(reason) ?? 0) + 1);
  }
}

const copyOf = ({ seconds, nanoseconds, held, earliest }: Device): Device => ({
  seconds,
  nanoseconds,
  held: held.slice(),
  earliest,
});

const newDevice = (seconds: number, nanoseconds: number): Device => ({
  seconds,
  nanoseconds,
  held: [],
  earliest: Number.POSITIVE_INFINITY,
});

const isPast = (now: Time, deadline: Time): boolean =>
  compare(now.seconds, now.nanoseconds, deadline.seconds, deadline.nanoseconds) > 0;

const waitingFor = (row: HeldRow, { kind, latenessNs }: { kind: string; latenessNs: number }): HeldRow => ({
  ...row,
  kind,
  deadline: shift(row.seconds, row.nanoseconds, latenessNs),
});
