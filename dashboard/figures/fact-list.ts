import { decodeFact } from '../../core/wire/decode-fact.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { FactKindFigures, FactSubject } from '../events.ts';

/** The fact of a subject that began last, and the last label of the subject. */
interface Known {
  readonly fromMs: number;
  readonly toMs: number;
  label: string | null;
}

const msOf = (ns: string): number => Number(BigInt(ns) / 1_000_000n);

/** Of each kind and subject the fact that began last. Bounded: the subject that was told of longest ago gives way. */
export class FactList {
  /** Records that are no fact. */
  malformed = 0;
  readonly #stream: string;
  readonly #kinds: ReadonlyMap<string, Map<string, Known>>;
  readonly #most: number;
  /** Devices that sent readings: of some of them no fact was ever told. Beyond the bound further ones are left out. */
  readonly #devices = new Set<string>();
  /** Kinds of which a subject gave way: a device that they do not hold may have a fact. */
  readonly #incomplete = new Set<string>();
  /** Kinds that say only that they hold; where there are none, all. */
  readonly #listed: ReadonlySet<string>;

  /** @param most - subjects of one kind that are kept */
  constructor({ name, facts = {} }: Pick<Stream, 'name' | 'facts'>, most: number) {
    this.#stream = name;
    this.#most = most;
    this.#kinds = new Map(Object.keys(facts).map((kind) => [kind, new Map<string, Known>()]));
    const states = Object.entries(facts).flatMap(([kind, values]) => (values.length === 0 ? [kind] : []));
    this.#listed = new Set(states.length > 0 ? states : Object.keys(facts));
  }

  take(value: Uint8Array): void {
    const fact = decodeFact(value);
    if (typeof fact === 'string') {
      this.malformed += 1;
      return;
    }
    const subjects = this.#kinds.get(fact.kind);
    if (fact.stream !== this.#stream || !subjects) return;
    const before = subjects.get(fact.subject);
    const fromMs = msOf(fact.from);
    if (before && before.fromMs > fromMs) return;
    subjects.delete(fact.subject);
    const label = before?.label ?? null;
    // A fact that is deleted holds at no time; the one before it is not known any more.
    const toMs = fact.values === null ? fromMs : fact.to === undefined ? Number.POSITIVE_INFINITY : msOf(fact.to);
    subjects.set(fact.subject, { fromMs, toMs, label });
    if (subjects.size <= this.#most) return;
    this.#incomplete.add(fact.kind);
    for (const oldest of subjects.keys()) {
      subjects.delete(oldest);
      break;
    }
  }

  /** A device sent a reading. */
  takeDevice(device: string): void {
    if (this.#devices.size < this.#most) this.#devices.add(device);
  }

  takeLabel(subject: string, label: string): void {
    for (const kind of this.#listed) {
      const known = this.#kinds.get(kind)?.get(subject);
      if (known) known.label = label;
    }
  }

  /** @param shown - subjects that are listed of each kind, inside and outside */
  figures(nowMs: number, shown: number): FactKindFigures[] {
    return Array.from(this.#kinds, ([kind, subjects]) => {
      const inside: FactSubject[] = [];
      const outside: FactSubject[] = [];
      for (const [subject, { fromMs, toMs, label }] of subjects)
        if (fromMs <= nowMs && nowMs < toMs) inside.push({ subject, since: fromMs, label });
        else outside.push({ subject, since: toMs <= nowMs ? toMs : null, label: null });
      if (!this.#incomplete.has(kind))
        for (const subject of this.#devices)
          if (!subjects.has(subject)) outside.push({ subject, since: null, label: null });
      const isListed = this.#listed.has(kind);
      const newest = (list: FactSubject[]) =>
        isListed ? list.sort((a, b) => (b.since ?? 0) - (a.since ?? 0)).slice(0, shown) : [];
      return {
        ...{ kind, isListed, insideCount: inside.length, outsideCount: outside.length },
        ...{ inside: newest(inside), outside: newest(outside) },
      };
    });
  }
}
