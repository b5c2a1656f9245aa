import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fact } from '../../wire/fact.ts';
import { StateReader, StateWriter } from '../state.ts';
import { formatTime, type Time, timeOf } from '../time.ts';
import { planFacts } from './definitions.ts';
import type { HeldBounds } from './held.ts';
import type { FactResult, FactSession } from './session.ts';
import { type FactChange, FactTable } from './table.ts';

const second = 1_000_000_000n;
const ns = (seconds: number) => (BigInt(seconds) * second).toString();
const hour = '1h';

interface Reading {
  readonly device: string;
  readonly at: number;
  readonly value: number;
}
type Event = Reading | Fact;

const isFact = (event: Event): event is Fact => 'kind' in event;

const fact = (subject: string, kind: string, from: number, to?: number, values: Fact['values'] = {}): Fact => ({
  ...{ stream: 's', subject, kind, from: ns(from), values, received: '0' },
  ...(to !== undefined && { to: ns(to) }),
});

/** A session and its table, as a partition of the classifier holds them, and all that came of them. */
class Ward {
  readonly #open: () => FactSession;
  session: FactSession;
  table = new FactTable();
  readonly labels: string[] = [];
  readonly skips = new Map<string, number>();
  readonly missed = new Map<string, number>();
  readonly changes = new Map<FactChange, number>();

  constructor(specs: Parameters<typeof planFacts>[0], bounds?: HeldBounds) {
    this.#open = () => planFacts(specs, ['value']).open(bounds);
    this.session = this.#open();
  }

  /** Consecutive events of one kind, as one batch. */
  take(events: readonly Event[]): void {
    const [first] = events;
    if (!first) return;
    const result = this.apply(events);
    this.#note(result);
    result.committed();
    if (!isFact(first)) return;
    for (const [change, count] of this.table.commit(events.filter(isFact), this.#isForgotten))
      this.changes.set(change, (this.changes.get(change) ?? 0) + count);
  }

  apply(events: readonly Event[]): FactResult {
    const facts = events.filter(isFact);
    if (facts.length > 0) return this.session.release(facts, this.table);
    const readings = events.filter((event): event is Reading => !isFact(event));
    const times = readings.map(({ at }) => timeOf(BigInt(at) * second));
    const rows = {
      ...{ count: readings.length, width: 1, values: Float64Array.from(readings, ({ value }) => value) },
      devices: readings.map(({ device }) => device),
      seconds: times.map(({ seconds }) => seconds),
      nanoseconds: times.map(({ nanoseconds }) => nanoseconds),
    };
    return this.session.apply(rows, this.table, (row) => ({ received: `${readings[row]?.value}` }));
  }

  /** Facts that can cover nothing any more leave the table. How many. */
  prune(): number {
    return this.table.prune(this.#isForgotten);
  }

  readonly #isForgotten = (subject: string, end: Time) => this.session.isForgotten(subject, end);

  restart(): void {
    const state = this.session.save();
    this.session = this.#open();
    this.session.load(state);
  }

  #note({ rows, skippedBy, missedBy }: FactResult): void {
    const width = rows.count === 0 ? 0 : rows.values.length / rows.count;
    for (let row = 0; row < rows.count; row++) {
      const time = formatTime(rows.seconds[row] ?? 0, rows.nanoseconds[row] ?? 0);
      const values = rows.values.slice(row * width, (row + 1) * width).join();
      this.labels.push(`${rows.devices[row]} ${time} ${values} ${rows.facts[row]} ${rows.notes[row]?.received}`);
    }
    for (const [reason, count] of skippedBy) this.skips.set(reason, (this.skips.get(reason) ?? 0) + count);
    for (const [kind, count] of missedBy) this.missed.set(kind, (this.missed.get(kind) ?? 0) + count);
  }
}

const gate = { use: 'gate', during: 'admission', lateness: hour };
const join = { use: 'join', fact: 'age', values: ['age'], lateness: hour };

test('a reading is labelled once: by a fact that was there, or by one that comes later', () => {
  const ward = new Ward([gate]);
  ward.take([fact('p', 'admission', 10, 20)]);
  ward.take([10, 19, 20, 9, 31].map((at) => ({ device: 'p', at, value: at })));
  expect(ward.labels).toEqual([10, 19].map((at) => `p ${ns(at)} ${at} {"admission":"${ns(10)}"} ${at}`));
  expect(ward.session.held()).toBe(3);
  ward.take([fact('q', 'admission', 0), fact('p', 'admission', 30)]);
  expect(ward.labels.slice(2)).toEqual([`p ${ns(31)} 31 {"admission":"${ns(30)}"} 31`]);
  ward.take([fact('p', 'admission', 10, 25)]);
  expect(ward.labels.slice(3)).toEqual([`p ${ns(20)} 20 {"admission":"${ns(10)}"} 20`]);
  expect(ward.session.held()).toBe(1);
});

test('a join takes the values as of the time of the reading, and waits only where they are required', () => {
  const ward = new Ward([gate, join, { use: 'join', fact: 'weight', values: ['kg', 'cm'], required: false }]);
  ward.take([{ device: 'p', at: 15, value: 1 }]);
  ward.take([fact('p', 'admission', 10), fact('p', 'weight', 12, undefined, { kg: 80, cm: null })]);
  ward.take([fact('p', 'weight', 16, undefined, { kg: 90, cm: 180 })]);
  expect(ward.labels).toEqual([]);
  ward.take([fact('p', 'age', 0, undefined, { age: 70 })]);
  const rests = (kinds: object) => JSON.stringify(kinds);
  const known = { admission: ns(10), age: ns(0) };
  expect(ward.labels).toEqual([`p ${ns(15)} 1,70,80,NaN ${rests({ ...known, weight: ns(12) })} 1`]);
  ward.take([
    { device: 'p', at: 11, value: 2 },
    { device: 'p', at: 16, value: 3 },
  ]);
  expect(ward.labels.slice(1)).toEqual([
    `p ${ns(11)} 2,70,NaN,NaN ${rests(known)} 2`,
    `p ${ns(16)} 3,70,90,180 ${rests({ ...known, weight: ns(16) })} 3`,
  ]);
});

test('a reading without its fact is skipped once its device is `lateness` further, and then no fact brings it back', () => {
  const ward = new Ward([{ ...gate, lateness: '10s' }]);
  ward.take([{ device: 'p', at: 100, value: 1 }]);
  ward.take([{ device: 'p', at: 110, value: 2 }]);
  // Another device's time is its own.
  ward.take([{ device: 'q', at: 500, value: 3 }]);
  expect(ward.skips.size).toBe(0);
  ward.take([{ device: 'p', at: 111, value: 4 }]);
  ward.take([{ device: 'p', at: 90, value: 5 }]);
  expect([...ward.skips]).toEqual([['no-fact', 2]]);
  expect([...ward.missed]).toEqual([['admission', 2]]);
  ward.take([fact('p', 'admission', 0)]);
  expect(ward.labels.map((label) => label.split(' ')[1])).toEqual([ns(110), ns(111)]);
});

test('a correction that ends a fact earlier is told apart; what was labelled stays', () => {
  const ward = new Ward([gate]);
  ward.take([fact('p', 'admission', 10)]);
  ward.take([{ device: 'p', at: 15, value: 1 }]);
  ward.take([fact('p', 'admission', 10, 12), fact('p', 'admission', 10, 12), fact('p', 'admission', 10, 30)]);
  ward.take([fact('p', 'admission', 10, undefined, null), fact('p', 'admission', 10, undefined, null)]);
  expect(Object.fromEntries(ward.changes)).toEqual({ new: 1, ended: 2, same: 1, corrected: 1, unknown: 1 });
  expect(ward.labels).toHaveLength(1);
  ward.take([{ device: 'p', at: 16, value: 1 }]);
  expect(ward.labels).toHaveLength(1);
  expect(ward.table.size).toBe(0);
});

test('a label stays where a fact that fits better comes after it; later readings rest on that one', () => {
  const ward = new Ward([gate]);
  ward.take([fact('p', 'admission', 10)]);
  ward.take([{ device: 'p', at: 30, value: 1 }]);
  ward.take([fact('p', 'admission', 20)]);
  ward.take([{ device: 'p', at: 31, value: 2 }]);
  expect(ward.labels).toEqual([
    `p ${ns(30)} 1 {"admission":"${ns(10)}"} 1`,
    `p ${ns(31)} 2 {"admission":"${ns(20)}"} 2`,
  ]);
});

test('of one subject and kind the first of more than 1,000 facts is forgotten; of a partition those beyond 250,000 are left out', () => {
  const ward = new Ward([gate]);
  ward.take(Array.from({ length: 1_001 }, (_, at) => fact('p', 'admission', at, at + 1)));
  expect([...ward.changes]).toEqual([['new', 1_001]]);
  expect(ward.table.size).toBe(1_000);
  ward.take([0, 1].map((at) => ({ device: 'p', at, value: at })));
  expect(ward.labels).toEqual([`p ${ns(1)} 1 {"admission":"${ns(1)}"} 1`]);
  const rest = Array.from({ length: 249_001 }, (_, subject) => fact(`${subject}`, 'admission', 0));
  expect(Object.fromEntries(ward.table.commit(rest))).toEqual({ new: 249_000, full: 1 });
  expect(ward.table.size).toBe(250_000);
  // One that is there already can be corrected.
  expect(Object.fromEntries(ward.table.commit([fact('0', 'admission', 0, 5)]))).toEqual({ ended: 1 });
});

test('of more readings than may wait, the oldest are skipped', () => {
  const ward = new Ward([gate], { maxRows: 3, maxBytes: 1_000_000 });
  ward.take(['a', 'b', 'a'].map((device, at) => ({ device, at, value: at })));
  ward.restart();
  ward.take(['c', 'c'].map((device, at) => ({ device, at: at + 3, value: at + 3 })));
  expect([...ward.skips]).toEqual([['held-full', 2]]);
  expect(ward.session.held()).toBe(3);
  ward.take([fact('a', 'admission', 0), fact('b', 'admission', 0), fact('c', 'admission', 0)]);
  expect(ward.labels.map((label) => label.split(' ').at(-1))).toEqual(['2', '3', '4']);
  const small = new Ward([gate], { maxRows: 100, maxBytes: 900 });
  small.take([1, 2, 3, 4].map((at) => ({ device: 'p', at, value: at })));
  expect([...small.skips]).toEqual([['held-full', 2]]);
  expect(small.session.heldBytes()).toBeLessThanOrEqual(900);
});

test('steps that lack what they need are refused with the reason', () => {
  expect(() => planFacts([{ use: 'gate', during: 'a' }], [])).toThrow(/lateness/);
  expect(() => planFacts([{ use: 'join', fact: 'age', values: ['age'] }], [])).toThrow(/may a row wait/);
  expect(() => planFacts([join], ['age'])).toThrow('the column "age" is there already');
});

const devices = ['p', 'q', 'r'];
const readingsOf = fc.array(
  fc.record({ device: fc.constantFrom(...devices), at: fc.integer({ min: 0, max: 60 }), value: fc.nat(9) }),
  { maxLength: 40 },
);

/** Facts of one subject and kind that do not overlap; each perhaps told twice. */
const spans = (subject: string, kind: string, values: (from: number) => Fact['values']) =>
  fc.uniqueArray(fc.integer({ min: 0, max: 70 }), { maxLength: 6 }).chain((cuts) => {
    const sorted = cuts.toSorted((a, b) => a - b);
    const facts: Fact[] = [];
    for (let at = 0; at + 1 < sorted.length; at += 2)
      facts.push(fact(subject, kind, sorted[at] ?? 0, sorted[at + 1], values(sorted[at] ?? 0)));
    return fc.subarray(facts).map((again) => [...facts, ...again]);
  });
const factsOf = fc
  .tuple(
    ...devices.map((name) => spans(name, 'admission', () => ({}))),
    ...devices.map((name) => spans(name, 'age', (from) => ({ age: from }))),
  )
  .map((all) => all.flat());

/** Merges two topics: `picks` says which gives its next event. */
function interleave(first: readonly Event[], second: readonly Event[], picks: readonly boolean[]): Event[] {
  const [left, right] = [[...first], [...second]];
  const merged: Event[] = [];
  for (let at = 0; left.length + right.length > 0; at++) {
    const from = (picks[at % Math.max(1, picks.length)] && left.length > 0) || right.length === 0 ? left : right;
    const event = from.shift();
    if (event) merged.push(event);
  }
  return merged;
}

/** Cuts into batches of one topic each, and lets the session be restored or a batch be given up between them. */
function run(ward: Ward, events: readonly Event[], sizes: readonly number[], faults: readonly number[]): void {
  for (let at = 0, turn = 0; at < events.length; turn++) {
    const first = events[at];
    const size = sizes[turn % Math.max(1, sizes.length)] ?? 5;
    let to = at + 1;
    for (; to < events.length && to < at + size; to++)
      if (isFact(events[to] as Event) !== isFact(first as Event)) break;
    const fault = faults[turn % Math.max(1, faults.length)];
    if (fault === 1) ward.restart();
    if (fault === 2) ward.apply(events.slice(at, to));
    ward.take(events.slice(at, to));
    at = to;
  }
}

const order = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });
const faults = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 9 });

test('any interleaving of the two topics, any batches and any restarts give the same labels', () => {
  fc.assert(
    fc.property(readingsOf, factsOf, order, sizes, faults, (readings, facts, picks, cuts, broken) => {
      const ward = new Ward([gate, join]);
      run(ward, interleave(readings, facts, picks), cuts, broken);
      const covering = (kind: string, { device, at }: Reading) =>
        facts.find(
          (one) =>
            one.kind === kind &&
            one.subject === device &&
            BigInt(one.from) <= BigInt(ns(at)) &&
            BigInt(ns(at)) < BigInt(one.to ?? 0),
        );
      const wanted = readings.flatMap((reading) => {
        const [admission, age] = [covering('admission', reading), covering('age', reading)];
        if (!admission || !age) return [];
        const rests = JSON.stringify({ admission: admission.from, age: age.from });
        const { device, at, value } = reading;
        return [`${device} ${ns(at)} ${value},${age.values?.age} ${rests} ${value}`];
      });
      expect(ward.labels.toSorted()).toEqual(wanted.toSorted());
      expect(ward.session.held()).toBe(readings.length - wanted.length);
    }),
    { numRuns: 300 },
  );
});

/** @param from - when they begin; few times make many corrections */
const wildFactsFrom = (from: fc.Arbitrary<number>, length: fc.Arbitrary<number>, size: 'small' | 'max') =>
  fc.array(
    fc
      .record({
        subject: fc.constantFrom(...devices),
        kind: fc.constantFrom('admission', 'age'),
        from,
        length: fc.option(length, { nil: undefined }),
        deleted: fc.boolean(),
      })
      .map(({ subject, kind, from, length, deleted }) =>
        fact(subject, kind, from, length && from + length, deleted ? null : { age: from }),
      ),
    { maxLength: 30, size },
  );
const wildFacts = wildFactsFrom(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 20 }), 'small');
const corrected = wildFactsFrom(fc.constantFrom(0, 20, 40), fc.constantFrom(5, 20, 60), 'max');

test('with corrections, deletions, short lateness and little room, batches and restarts change nothing, and no reading is lost or labelled twice', () => {
  const specs = [
    { ...gate, lateness: '10s' },
    { ...join, lateness: '5s' },
  ];
  const bounds = { maxRows: 6, maxBytes: 1_000_000 };
  fc.assert(
    fc.property(readingsOf, wildFacts, order, sizes, faults, (readings, facts, picks, cuts, broken) => {
      const events = interleave(readings, facts, picks);
      const [one, other] = [new Ward(specs, bounds), new Ward(specs, bounds)];
      run(one, events, [1], [0]);
      run(other, events, cuts, broken);
      expect(other.labels).toEqual(one.labels);
      expect([...other.skips].sort()).toEqual([...one.skips].sort());
      expect([...other.changes].sort()).toEqual([...one.changes].sort());
      const skipped = [...one.skips.values()].reduce((sum, count) => sum + count, 0);
      expect(one.labels.length + skipped + one.session.held()).toBe(readings.length);
      expect(Buffer.from(other.session.save()).equals(one.session.save())).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('a fact leaves the state once it ended longer ago than the longest lateness and the bound; one that holds stays', () => {
  const ward = new Ward([{ ...gate, lateness: '10s' }, join], { maxRows: 10, maxBytes: 1_000_000, endedNs: 400e9 });
  ward.take([fact('p', 'admission', 0, 100), fact('p', 'admission', 200), fact('p', 'age', 0, undefined, { age: 7 })]);
  ward.take([fact('q', 'admission', 0, 100)]);
  // The longest lateness is an hour.
  ward.take([{ device: 'p', at: 4_100, value: 1 }]);
  expect(ward.prune()).toBe(0);
  ward.take([{ device: 'p', at: 4_101, value: 1 }]);
  expect(ward.prune()).toBe(1);
  // Its device was never heard of.
  expect(ward.table.of('admission', 'q')).toHaveLength(1);
  expect(ward.table.size).toBe(3);
  expect(ward.labels).toHaveLength(2);
  // So late that the fact counts as forgotten, pruned or not.
  ward.take([{ device: 'p', at: 99, value: 1 }]);
  expect([...ward.skips]).toEqual([['no-fact', 1]]);
  ward.take([fact('p', 'admission', 200, undefined, null), fact('p', 'age', 0, undefined, null)]);
  expect(ward.table.size).toBe(1);
});

test('a fact that another one hides leaves the state as if it had ended where that one begins, and does not come back when it ends', () => {
  const bounds = { maxRows: 10, maxBytes: 1_000_000, endedNs: 100e9 };
  const ward = new Ward([{ ...join, lateness: '10s' }], bounds);
  const age = (from: number, to?: number) => fact('p', 'age', from, to, { age: from });
  // One that began later and has ended hides nothing behind its end.
  ward.take([age(0), age(30, 40), age(50), age(60, 65)]);
  ward.take([{ device: 'p', at: 160, value: 1 }]);
  expect(ward.prune()).toBe(1);
  expect(ward.table.of('age', 'p').map(({ from }) => from)).toEqual([0, 50, 60].map(ns));
  ward.take([{ device: 'p', at: 161, value: 1 }]);
  const unpruned = new Ward([{ ...join, lateness: '10s' }], bounds);
  unpruned.take([age(0), age(30, 40), age(50), age(60, 65)]);
  unpruned.take([160, 161].map((at) => ({ device: 'p', at, value: 1 })));
  expect(ward.prune()).toBe(1);
  expect(ward.table.of('age', 'p').map(({ from }) => from)).toEqual([50, 60].map(ns));
  for (const each of [ward, unpruned]) {
    each.take([{ device: 'p', at: 45, value: 1 }]);
    expect([...each.skips]).toEqual([['no-fact', 1]]);
    each.take([age(50, 100)]);
    each.take([{ device: 'p', at: 162, value: 1 }]);
    expect([each.labels.length, each.session.held()]).toEqual([2, 1]);
  }
  expect(unpruned.table.of('age', 'p')).toEqual(ward.table.of('age', 'p'));
});

test('whether and when facts that ended or are hidden leave the state changes no label and no skip', () => {
  const specs = [
    { ...gate, lateness: '3s' },
    { ...join, lateness: '2s' },
  ];
  const bounds = { maxRows: 6, maxBytes: 1_000_000, endedNs: 1e9 };
  let pruned = 0;
  const facts = fc.oneof(wildFacts, corrected);
  fc.assert(
    fc.property(readingsOf, facts, order, sizes, faults, (readings, facts, picks, cuts, broken) => {
      const events = interleave(readings, facts, picks);
      const [kept, other] = [new Ward(specs, bounds), new Ward(specs, bounds)];
      run(kept, events, cuts, broken);
      let at = 0;
      for (let turn = 0; at < events.length; turn++) {
        const to = at + 1 + ((cuts[turn % Math.max(1, cuts.length)] ?? 1) % 4);
        for (const part of byTopic(events.slice(at, to))) other.take(part);
        pruned += other.prune();
        at = to;
      }
      expect(other.labels).toEqual(kept.labels);
      expect([...other.skips].sort()).toEqual([...kept.skips].sort());
      expect(Buffer.from(other.session.save()).equals(kept.session.save())).toBe(true);
    }),
    { numRuns: 600 },
  );
  expect(pruned).toBeGreaterThan(100);
});

/** Consecutive events of one topic. */
function byTopic(events: readonly Event[]): Event[][] {
  const parts: Event[][] = [];
  for (const event of events) {
    const last = parts.at(-1);
    if (last?.[0] && isFact(last[0]) === isFact(event)) last.push(event);
    else parts.push([event]);
  }
  return parts;
}

/** As an engine keeps a partition: a checkpoint is taken only before facts out of order that need one. Restored, the facts come first. */
function runWithReplays(
  open: () => Ward,
  events: readonly Event[],
  sizes: readonly number[],
): { readonly ward: Ward; readonly spared: number } {
  const ward = open();
  let [saved, table] = [ward.session.save(), new FactTable()];
  let since: { readonly batch: readonly Event[]; readonly commutes: boolean }[] = [];
  let spared = 0;
  let at = 0;
  for (let turn = 0; at < events.length; turn++) {
    const to = at + (sizes[turn % sizes.length] ?? 1);
    for (const batch of byTopic(events.slice(at, to))) {
      const { commutes } = ward.apply(batch);
      const readings = since.filter(({ batch: [first] }) => first && !isFact(first));
      const isBehind = batch.some(isFact) && readings.length > 0;
      if (isBehind && (!commutes || readings.some((before) => !before.commutes))) {
        [saved, table, since] = [ward.session.save(), copyOf(ward.table), []];
      } else if (isBehind) spared += 1;
      ward.take(batch);
      since.push({ batch, commutes });
      const other = open();
      other.session.load(saved);
      other.table = copyOf(table);
      const again = since.flatMap((one) => one.batch);
      for (const event of again.filter(isFact)) other.take([event]);
      other.take(again.filter((event) => !isFact(event)));
      expect(Buffer.from(other.session.save()).equals(ward.session.save())).toBe(true);
      expect(textOf(other.table)).toEqual(textOf(ward.table));
    }
    at = to;
  }
  return { ward, spared };
}

test('between two checkpoints the facts may be replayed first: the state is the same, also where lateness and room are short', () => {
  const hard = { maxRows: 6, maxBytes: 1_000_000, endedNs: 5e9 };
  const cases: readonly (readonly [readonly string[], HeldBounds | undefined])[] = [
    [['10s', '5s'], hard],
    [['5s', '10s'], hard],
    [['30s', '30s'], { ...hard, maxRows: 100 }],
    [['1h', '1h'], { ...hard, endedNs: 3_600e9 }],
    [['1h', '1h'], undefined],
  ];

  for (const [[first, second], bounds] of cases) {
    const open = () =>
      new Ward(
        [
          { ...gate, lateness: first },
          { ...join, lateness: second },
        ],
        bounds,
      );
    let spared = 0;
    fc.assert(
      fc.property(readingsOf, corrected, order, sizes, (readings, facts, picks, cuts) => {
        spared += runWithReplays(open, interleave(readings, facts, picks), cuts).spared;
      }),
      { numRuns: 150 },
    );
    if (first !== '5s') expect(spared).toBeGreaterThan(100);
    // A fact of the second kind that comes too late could extend the time of a row.
    else expect(spared).toBe(0);
  }
});

function copyOf(table: FactTable): FactTable {
  const writer = new StateWriter();
  table.write(writer);
  return FactTable.read(new StateReader(writer.finish()));
}

const textOf = (table: FactTable): string[] =>
  ['admission', 'age'].flatMap((kind) =>
    devices.map((subject) => JSON.stringify(table.of(kind, subject).map(({ from, to }) => [from, to?.text]))),
  );
