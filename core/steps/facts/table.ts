import type { Fact } from '../../wire/fact.ts';
import type { StateReader, StateWriter } from '../state.ts';
import { compare, parseTime, type Time } from '../time.ts';

/** A fact as the table holds it. */
export interface KnownFact extends Time {
  /** When it begins, as the log carries it; `seconds` and `nanoseconds` are the same. */
  readonly from: string;
  /** As a prediction names it: a member of a JSON object, its kind and when it begins. */
  readonly member: string;
  /** Undefined where it still holds. */
  readonly to: (Time & { readonly text: string }) | undefined;
  readonly values: Fact['values'] & object;
}

/** What a fact changed: `ended` where a device has less of it than before, `full` where there was no room for it. */
export type FactChange = 'new' | 'corrected' | 'ended' | 'same' | 'unknown' | 'full';

/** Where facts are looked up. */
export interface FactLookup {
  /**
   * The fact of a kind that holds for a subject at a time; of several, the one that began last.
   * @param bound - facts that ended before it count as none
   */
  find(kind: string, subject: string, seconds: number, nanoseconds: number, bound?: Time): KnownFact | undefined;
}

/** Facts of one subject and kind, at most; beyond it the one that began first is forgotten. */
const maxOfSubject = 1_000;
/** Facts of one partition, at most. */
const maxFacts = 250_000;

type BySubject = Map<string, readonly KnownFact[]>;

/** The facts of one partition that are committed: of each subject and kind, in the order in which they begin. */
export class FactTable implements FactLookup {
  readonly #byKind = new Map<string, BySubject>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(kind: string, subject: string, seconds: number, nanoseconds: number, bound?: Time): KnownFact | undefined {
    return covering(this.of(kind, subject), seconds, nanoseconds, bound);
  }

  of(kind: string, subject: string): readonly KnownFact[] {
    return this.#byKind.get(kind)?.get(subject) ?? none;
  }

  /** Takes in facts that are committed, in their order. How often each change was made. */
  commit(facts: readonly Fact[]): ReadonlyMap<FactChange, number> {
    const changes = new Map<FactChange, number>();
    const draft = this.draft();
    for (const fact of facts) {
      const change = draft.put(fact);
      changes.set(change, (changes.get(change) ?? 0) + 1);
    }
    for (const [kind, bySubject] of draft.changed)
      for (const [subject, list] of bySubject) this.#set(kind, subject, list);
    this.#size = draft.size;
    return changes;
  }

  /** The table with further facts, which it does not hold yet. */
  draft(): FactDraft {
    return new FactDraft(this);
  }

  /** Takes facts out that are not needed any more. How many. */
  prune(isForgotten: (subject: string, fact: KnownFact) => boolean): number {
    const before = this.#size;
    for (const [kind, bySubject] of this.#byKind)
      for (const [subject, list] of bySubject) {
        if (!list.some((fact) => fact.to && isForgotten(subject, fact))) continue;
        const kept = list.filter((fact) => !isForgotten(subject, fact));
        this.#size -= list.length - kept.length;
        this.#set(kind, subject, kept);
      }
    return before - this.#size;
  }

  write(writer: StateWriter): void {
    writer.number(this.#size);
    for (const [kind, bySubject] of this.#byKind)
      for (const [subject, list] of bySubject)
        for (const { from, to, values } of list) {
          writer.text(kind);
          writer.text(subject);
          writer.text(from);
          writer.text(to?.text ?? '');
          writer.text(JSON.stringify(values));
        }
  }

  /** @throws {RangeError} where the bytes are not what `write` wrote */
  static read(reader: StateReader): FactTable {
    const table = new FactTable();
    const facts = Array.from({ length: reader.count(maxFacts) }, (): Fact => {
      const [kind, subject, from, to] = [reader.text(), reader.text(), reader.text(), reader.text()];
      const values = JSON.parse(reader.text()) as Fact['values'];
      return { stream: '', kind, subject, from, ...(to !== '' && { to }), values, received: '0' };
    });
    table.commit(facts);
    return table;
  }

  #set(kind: string, subject: string, list: readonly KnownFact[]): void {
    const bySubject = this.#byKind.get(kind) ?? new Map<string, readonly KnownFact[]>();
    this.#byKind.set(kind, bySubject);
    if (list.length === 0) bySubject.delete(subject);
    else bySubject.set(subject, list);
  }
}

const none: readonly KnownFact[] = [];

/** A table and what is to be changed in it; the table itself stays as it is. */
export class FactDraft implements FactLookup {
  readonly #table: FactTable;
  readonly changed = new Map<string, BySubject>();
  size: number;
  /** Whether there is a time at which something held before that does not hold now: a fact ended earlier, was deleted or forgotten. */
  coversLess = false;

  constructor(table: FactTable) {
    this.#table = table;
    this.size = table.size;
  }

  find(kind: string, subject: string, seconds: number, nanoseconds: number, bound?: Time): KnownFact | undefined {
    return covering(this.#of(kind, subject), seconds, nanoseconds, bound);
  }

  /** Deterministic: the same facts in the same order give the same table, however they are cut into batches. */
  put(fact: Fact): FactChange {
    const { kind, subject, from } = fact;
    const list = this.#of(kind, subject);
    const at = list.findIndex((known) => known.from === from);
    const before = at < 0 ? undefined : list[at];
    if (fact.values === null) {
      if (!before) return 'unknown';
      this.#set(kind, subject, list.toSpliced(at, 1));
      this.size -= 1;
      this.coversLess = true;
      return 'ended';
    }
    const known = knownOf(fact, fact.values);
    if (before) {
      this.#set(kind, subject, list.with(at, known));
      const change = changeOf(before, known);
      this.coversLess ||= change === 'ended';
      return change;
    }
    if (this.size >= maxFacts) return 'full';
    const sorted = [...list, known].sort((a, b) => compare(a.seconds, a.nanoseconds, b.seconds, b.nanoseconds));
    if (sorted.length > maxOfSubject) {
      sorted.shift();
      this.coversLess = true;
    } else this.size += 1;
    this.#set(kind, subject, sorted);
    return 'new';
  }

  #of(kind: string, subject: string): readonly KnownFact[] {
    return this.changed.get(kind)?.get(subject) ?? this.#table.of(kind, subject);
  }

  #set(kind: string, subject: string, list: readonly KnownFact[]): void {
    const bySubject = this.changed.get(kind) ?? new Map<string, readonly KnownFact[]>();
    this.changed.set(kind, bySubject);
    bySubject.set(subject, list);
  }
}

/** Whether a fact ended before a time. */
export const endedBefore = ({ to }: Pick<KnownFact, 'to'>, { seconds, nanoseconds }: Time): boolean =>
  to !== undefined && compare(to.seconds, to.nanoseconds, seconds, nanoseconds) < 0;

function covering(
  list: readonly KnownFact[],
  seconds: number,
  nanoseconds: number,
  bound: Time | undefined,
): KnownFact | undefined {
  for (let at = list.length - 1; at >= 0; at--) {
    const known = list[at];
    if (!known || compare(known.seconds, known.nanoseconds, seconds, nanoseconds) > 0) continue;
    if (bound && endedBefore(known, bound)) continue;
    if (!known.to || compare(seconds, nanoseconds, known.to.seconds, known.to.nanoseconds) < 0) return known;
  }
  return undefined;
}

function knownOf({ kind, from, to }: Fact, values: Fact['values'] & object): KnownFact {
  return {
    ...parseTime(from),
    ...{ from, member: `${JSON.stringify(kind)}:"${from}"`, values },
    to: to === undefined ? undefined : { ...parseTime(to), text: to },
  };
}

function changeOf(before: KnownFact, after: KnownFact): FactChange {
  const endsEarlier =
    after.to &&
    (!before.to || compare(after.to.seconds, after.to.nanoseconds, before.to.seconds, before.to.nanoseconds) < 0);
  if (endsEarlier) return 'ended';
  const isSame = before.to?.text === after.to?.text && JSON.stringify(before.values) === JSON.stringify(after.values);
  return isSame ? 'same' : 'corrected';
}
