import type { Fact } from '../../wire/fact.ts';
import { staleBatch } from '../output.ts';
import { StateReader, StateWriter } from '../state.ts';
import { compare, shift, type Time } from '../time.ts';
import { type Draft, type HeldBounds, HeldRows, heldFull, type RowNote } from './held.ts';
import type { FactNeeds } from './needs.ts';
import type { FactLookup, FactTable } from './table.ts';

/** Rows of a chain, row-major; see `StepRows` for how a time is written. */
export interface ChainRows {
  readonly count: number;
  readonly width: number;
  readonly values: Float64Array;
  readonly devices: readonly string[];
  readonly seconds: ArrayLike<number>;
  readonly nanoseconds: ArrayLike<number>;
}

/** Rows whose facts are known, with the columns of the facts behind their own. */
export interface CoveredRows {
  readonly count: number;
  readonly values: Float64Array;
  readonly devices: readonly string[];
  readonly seconds: readonly number[];
  readonly nanoseconds: readonly number[];
  readonly notes: readonly RowNote[];
  /** By row, as JSON: the kinds of the facts that it rests on, and when each begins. */
  readonly facts: readonly string[];
}

export interface FactResult {
  readonly rows: CoveredRows;
  /** By reason, rows that are not labelled: `no-fact`, `held-full` (the oldest of too many), `forgotten-device`. */
  readonly skippedBy: ReadonlyMap<string, number>;
  /** By kind of fact, the rows among them that waited for one in vain. */
  readonly missedBy: ReadonlyMap<string, number>;
  /**
   * The state is the same where facts that commute come before rows that commute, and not between or after them: the rows that wait at the
   * end are those that the facts of the end do not cover.
   */
  readonly commutes: boolean;
  /** Takes over the change of state, once what was made of it is durable. */
  committed(): void;
}

/**
 * Fact steps at work on one partition: a row proceeds once it and the facts that it needs have been seen, whichever is second. Deterministic:
 * the same rows and facts in the same order give the same, however they are cut into batches.
 */
export class FactSession {
  readonly #plan: FactNeeds;
  readonly #rows: HeldRows;
  /** A fact that ended so long before the event time of its device is not looked up for its rows any more. */
  readonly #forgetNs: number;
  readonly #commutes: boolean;
  #latest: Draft | undefined;

  constructor(plan: FactNeeds, bounds?: HeldBounds) {
    this.#plan = plan;
    this.#rows = new HeldRows(plan.width, bounds);
    this.#forgetNs = Math.max(...plan.needs.map(({ latenessNs }) => latenessNs)) + (bounds?.endedNs ?? endedNs);
    this.#commutes = neverWaitsLonger(plan);
  }

  /** Rows that wait, in the committed state. */
  held(): number {
    return this.#rows.count;
  }

  heldBytes(): number {
    return this.#rows.bytes;
  }

  /** Rows that are new. Pure but for `committed`. */
  apply(rows: ChainRows, facts: FactLookup, noteOf: (row: number) => RowNote): FactResult {
    const draft = this.#begin();
    const out = new Covered(this.#plan);
    for (let row = 0; row < rows.count; row++) {
      const name = rows.devices[row] ?? '';
      const seconds = rows.seconds[row] ?? 0;
      const nanoseconds = rows.nanoseconds[row] ?? 0;
      const device = draft.seen(name, seconds, nanoseconds);
      const start = row * rows.width;
      const wait = out.cover(this.#known(facts, device, seconds), name, seconds, nanoseconds, rows.values, start);
      if (wait < 0) {
        out.note(noteOf(row));
        continue;
      }
      const { latenessNs, kind } = this.#needAt(wait);
      const values = rows.values.slice(start, start + rows.width);
      draft.hold(device, { device: name, seconds, nanoseconds, values, note: noteOf(row), kind, latenessNs });
    }
    return this.#result(draft, out, !draft.skippedBy.has(heldFull));
  }

  /** Facts that are new: rows that waited for them proceed. Pure but for `committed`; the table is changed by the caller, later. */
  release(facts: readonly Fact[], table: FactTable): FactResult {
    const draft = this.#begin();
    const out = new Covered(this.#plan);
    const known = table.draft((subject, end) => this.isForgotten(subject, end));
    for (const fact of facts) {
      known.put(fact);
      if (!draft.isHolding(fact.subject)) continue;
      draft.eachHeld(fact.subject, (row) => {
        const wait = out.cover(known, row.device, row.seconds, row.nanoseconds, row.values, 0);
        if (wait >= 0) return this.#needAt(wait);
        out.note(row.note);
        return undefined;
      });
    }
    return this.#result(draft, out, !known.coversLess);
  }

  /**
   * Whether no row that may still come can rest on a fact of this device that cannot be found after a time: that is so long before the event
   * time of the device, in the committed state. Such a fact can leave the table, and nothing that is labelled depends on when.
   */
  isForgotten(device: string, end: Time): boolean {
    const time = this.#rows.devices.get(device);
    if (!time) return false;
    const bound = shift(time.seconds, time.nanoseconds, -this.#forgetNs);
    return compare(end.seconds, end.nanoseconds, bound.seconds, bound.nanoseconds) < 0;
  }

  /** Only a row that is late by more than the bound finds less than there is: then facts that ended before the bound count as forgotten. */
  #known(facts: FactLookup, device: Time, seconds: number): FactLookup {
    if (seconds > device.seconds - Math.floor(this.#forgetNs / 1e9)) return facts;
    const bound = shift(device.seconds, device.nanoseconds, -this.#forgetNs);
    return {
      find: (kind, subject, wantedSeconds, wantedNanoseconds) =>
        facts.find(kind, subject, wantedSeconds, wantedNanoseconds, bound),
    };
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    this.#rows.write(writer);
    return writer.finish();
  }

  /** @throws {RangeError} where the bytes are not what `save` wrote */
  load(state: Uint8Array): void {
    const reader = new StateReader(state);
    this.#rows.read(reader);
    reader.end();
    this.#latest = undefined;
  }

  /** Forgets the rows that wait. How many there were. */
  clear(): number {
    this.#latest = undefined;
    return this.#rows.clear();
  }

  #begin(): Draft {
    const draft = this.#rows.draft();
    this.#latest = draft;
    return draft;
  }

  #needAt(index: number) {
    const need = this.#plan.needs[index];
    if (!need) throw new RangeError(`there is no fact step ${index}`);
    return need;
  }

  #result(draft: Draft, out: Covered, commutes: boolean): FactResult {
    return {
      rows: out.rows(),
      skippedBy: draft.skippedBy,
      missedBy: draft.missedBy,
      commutes: commutes && this.#commutes,
      committed: () => {
        if (this.#latest !== draft) throw staleBatch();
        this.#latest = undefined;
        this.#rows.commit(draft);
      },
    };
  }
}

const endedNs = 7 * 86_400e9;

/** Whether a row that waits for a further fact, once one is known, waits no longer for it. Else a fact that comes too late could extend its time. */
const neverWaitsLonger = ({ needs }: FactNeeds): boolean =>
  needs
    .filter(({ isRequired }) => isRequired)
    .every(({ latenessNs }, at, required) => latenessNs <= (required[at - 1]?.latenessNs ?? latenessNs));

/** Gathers rows whose facts are known. */
class Covered {
  readonly #plan: FactNeeds;
  #values = new Float64Array(0);
  readonly #devices: string[] = [];
  readonly #seconds: number[] = [];
  readonly #nanoseconds: number[] = [];
  readonly #notes: RowNote[] = [];
  readonly #facts: string[] = [];

  constructor(plan: FactNeeds) {
    this.#plan = plan;
  }

  /**
   * Adds the row whose values begin at `from`, without its note; or returns the index of the first fact that it needs and that is not known.
   * Of each reading of a gated stream: it makes no object.
   */
  cover(
    facts: FactLookup,
    device: string,
    seconds: number,
    nanoseconds: number,
    values: Float64Array,
    from: number,
  ): number {
    const { needs, width, added } = this.#plan;
    const start = this.#devices.length * (width + added.length);
    if (start + width + added.length > this.#values.length) this.#grow(start + width + added.length);
    const out = this.#values;
    let rests = '';
    let column = start + width;
    for (let at = 0; at < needs.length; at++) {
      const need = needs[at];
      if (!need) continue;
      const fact = facts.find(need.kind, device, seconds, nanoseconds);
      if (!fact && need.isRequired) return at;
      if (fact) rests += rests === '' ? fact.member : `,${fact.member}`;
      for (const name of need.values) out[column++] = fact?.values[name] ?? Number.NaN;
    }
    for (let at = 0; at < width; at++) out[start + at] = values[from + at] ?? Number.NaN;
    this.#devices.push(device);
    this.#seconds.push(seconds);
    this.#nanoseconds.push(nanoseconds);
    this.#facts.push(`{${rests}}`);
    return -1;
  }

  /** Of the row that was added last. */
  note(note: RowNote): void {
    this.#notes.push(note);
  }

  rows(): CoveredRows {
    const count = this.#devices.length;
    return {
      count,
      values: this.#values.subarray(0, count * (this.#plan.width + this.#plan.added.length)),
      ...{ devices: this.#devices, seconds: this.#seconds, nanoseconds: this.#nanoseconds },
      ...{ notes: this.#notes, facts: this.#facts },
    };
  }

  #grow(needed: number): void {
    const longer = new Float64Array(Math.max(needed, this.#values.length * 2, 256));
    longer.set(this.#values);
    this.#values = longer;
  }
}
