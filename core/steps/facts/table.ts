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
   * @param bound - facts that ended before it count as none, and so do those that one hides which began before it and holds without an end
   */
  find(kind: string, subject: string, seconds: number, nanoseconds: number, bound?: Time): KnownFact | undefined;
}

/** Whether a fact of this subject that nothing could find after a time is not asked for any more. Once it is so, it stays so. */
export type IsForgotten = (subject: string, end: Time) => boolean;

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

  /** Takes in facts that are committed, in their order; see {@link draft}. How often each change was made. */
  commit(facts: readonly Fact[], isForgotten?: IsForgotten): ReadonlyMap<FactChange, number> {
    const changes = new Map<FactChange, number>();
    const draft = this.draft(isForgotten);
    for (const fact of facts) {
      const change = draft.put(fact);
      changes.set(change, (changes.get(change) ?? 0) + 1);
    }
    for (const [kind, bySubject] of draft.changed)
      for (const [subject, list] of bySubject) this.#set(kind, subject, list);
    this.#size = draft.size;
    return changes;
  }

  /**
   * The table with further facts, which it does not hold yet.
   * @param isForgotten - facts that count as forgotten are not found again where one that hid them ends: so {@link prune} changes nothing
   */
  draft(isForgotten: IsForgotten = () => false): FactDraft {
    return new FactDraft(this, isForgotten);
  }

  /** Takes facts out that are not asked for any more. How many. */
  prune(isForgotten: IsForgotten): number {
    const before = this.#size;
    for (const [kind, bySubject] of this.#byKind)
      for (const [subject, list] of bySubject) {
        const kept = withoutForgotten(list, subject, isForgotten);
        if (kept === list) continue;
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
  readonly #isForgotten: IsForgotten;

  constructor(table: FactTable, isForgotten: IsForgotten) {
    this.#table = table;
    this.#isForgotten = isForgotten;
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
      this.#unhide(fact, list, before, undefined);
      this.coversLess = true;
      return 'ended';
    }
    const known = knownOf(fact, fact.values);
    if (before) {
      const change = changeOf(before, known);
      if (change === 'ended') {
        this.#unhide(fact, list, before, known);
        this.coversLess = true;
      } else this.#set(kind, subject, list.with(at, known));
      return change;
    }
    if (this.size >= maxFacts) return 'full';
    const sorted = inOrder([...list, known]);
    if (sorted.length > maxOfSubject) {
      sorted.shift();
      this.coversLess = true;
    } else this.size += 1;
    this.#set(kind, subject, sorted);
    return 'new';
  }

  /** A fact ends or goes, so others may be found again that it hid: but for those that count as forgotten by now. */
  #unhide({ kind, subject }: Fact, list: readonly KnownFact[], before: KnownFact, after: KnownFact | undefined): void {
    const kept = withoutForgotten(list, subject, this.#isForgotten);
    const changed = kept.flatMap((known) => (known === before ? (after ?? []) : known));
    this.#set(kind, subject, after && !kept.includes(before) ? inOrder([...changed, after]) : changed);
    this.size -= list.length - this.#of(kind, subject).length;
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

const inOrder = (facts: KnownFact[]): KnownFact[] =>
  facts.sort((a, b) => compare(a.seconds, a.nanoseconds, b.seconds, b.nanoseconds));

const isBefore = (time: Time | undefined, { seconds, nanoseconds }: Time): boolean =>
  time !== undefined && compare(time.seconds, time.nanoseconds, seconds, nanoseconds) < 0;

/** The same list where none is forgotten. */
function withoutForgotten(list: readonly KnownFact[], subject: string, isForgotten: IsForgotten): readonly KnownFact[] {
  const forgotten = new Set<KnownFact>();
  /** When the first fact begins that hides all before it, as it has no end. */
  let hidden: Time | undefined;
  for (const fact of list.toReversed()) {
    const end = hidden && !(fact.to && isBefore(fact.to, hidden)) ? hidden : fact.to;
    if (end && isForgotten(subject, end)) forgotten.add(fact);
    if (!fact.to) hidden = fact;
  }
  return forgotten.size === 0 ? list : list.filter((fact) => !forgotten.has(fact));
}

function covering(
  list: readonly KnownFact[],
  seconds: number,
  nanoseconds: number,
  bound: Time | undefined,
): KnownFact | undefined {
  for (let at = list.length - 1; at >= 0; at--) {
    const known = list[at];
    if (!known) continue;
    if (compare(known.seconds, known.nanoseconds, seconds, nanoseconds) > 0) {
      // It hides all before it.
      if (bound && !known.to && isBefore(known, bound)) return undefined;
      continue;
    }
    if (bound && isBefore(known.to, bound)) continue;
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
