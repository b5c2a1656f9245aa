import { describe, expect, test } from 'vitest';
import type { StoredRecord } from '../../core/log/port.ts';
import type { Alert } from '../../core/wire/alert.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { predictionRecord } from '../testing.ts';
import { judgePredictions } from './on-predictions.ts';
import { judgeSilence, mostOfOneTick } from './on-silence.ts';
import { isPredictionRule, isSilentRule, ruleOf } from './rule.ts';
import { mostOrphansOfBatch, RuleBook } from './rule-book.ts';
import type { SavedRules } from './saved.ts';
import type { RuleConfig } from './schema.ts';

const stream = { name: 's', fields: ['a', 'b'], topics: topicsOf('s') };
const none: SavedRules = { startMs: 0, rules: [] };

let lastOffset = 0n;

function recordOf(topic: string, key: string, value: Uint8Array, arrivedMs: number): StoredRecord {
  lastOffset += 1n;
  return { topic, partition: 0, offset: lastOffset, key, arrivedMs, value };
}

function predicted(
  ...parts: { readonly time: number; readonly received?: number; readonly label?: string }[]
): StoredRecord[] {
  return parts.map((part) => {
    const { key, value } = predictionRecord('s', part);
    return recordOf('s.predictions', key, value, 1);
  });
}

function predictionBook(rule: RuleConfig, saved = none) {
  const book = new RuleBook('s', [rule].map(ruleOf).filter(isPredictionRule), saved);
  return {
    save: () => JSON.parse(JSON.stringify(book.save())) as SavedRules,
    take(records: readonly StoredRecord[]): Alert[] {
      const draft = book.draft();
      judgePredictions(stream, records, draft);
      draft.commit();
      return draft.alerts;
    },
  };
}

function silentBook(rules: RuleConfig[], saved = none) {
  const book = new RuleBook('s', rules.map(ruleOf).filter(isSilentRule), saved);
  const encode = (value: object) => Buffer.from(JSON.stringify(value));
  return {
    book,
    take(records: readonly StoredRecord[]): Alert[] {
      const draft = book.draft();
      judgeSilence(stream, records, draft);
      draft.commit();
      return draft.alerts;
    },
    reading(device: string, atMs: number): StoredRecord {
      const value = encode({ stream: 's', device, time: '1', values: { a: 1 }, received: '1' });
      return recordOf('s.readings', device, value, atMs);
    },
    tick: (atMs: number) => recordOf('s.alerts.ticks', '0', encode({ kind: 'time', at: `${atMs}000000` }), atMs),
  };
}

const keysOf = (alerts: readonly Alert[]) => alerts.map(({ key }) => key);

test('a clock that stands still, or is set back, gives each alert a key of its own', () => {
  const { take } = predictionBook({ name: 'bad', label: 'bad' });
  const first = take(predicted({ time: 5 }, { time: 5, label: 'good' }));
  const second = take(predicted({ time: 5 }, { time: 5, label: 'good' }));
  expect(first.map(({ state }) => state)).toEqual(['firing', 'resolved']);
  expect(first[1]?.id).toBe(first[0]?.id);
  expect(new Set(keysOf([...first, ...second])).size).toBe(4);
});

test('records that are taken again give the same keys, wherever batches and checkpoints lie', () => {
  const rule = { name: 'bad', label: 'bad', readings: 2 };
  const records = predicted({ time: 5 }, { time: 5 }, { time: 6, label: 'good' }, { time: 7, label: 'good' });
  const whole = predictionBook(rule).take(records);
  expect(whole.map(({ state }) => state)).toEqual(['firing', 'resolved']);
  const alerts: Alert[] = [];
  let saved = none;
  for (const record of records) {
    const { take, save } = predictionBook(rule, saved);
    alerts.push(...take([record]));
    saved = save();
  }
  expect(alerts).toEqual(whole);
});

describe('an alert with `for` while the clock of the device is set back by an hour', () => {
  const rule = { name: 'bad', label: 'bad', for: '60s' };
  const hour = 3_600;
  const run = predicted(
    ...[0, 20, 40].map((time) => ({ time: hour + time, received: time })),
    ...[60, 80].map((time) => ({ time, received: time })),
  );

  test('fires when it has held for so long as readings were received', () => {
    const { take } = predictionBook(rule);
    expect(take(run.slice(0, 3))).toEqual([]);
    expect(take(run.slice(3)).map(({ state, at }) => `${state} ${at}`)).toEqual(['firing 60000000000']);
  });

  test('fires the same from a checkpoint between any two of the readings', () => {
    const keys: string[][] = [];
    for (let cut = 0; cut <= run.length; cut++) {
      const before = predictionBook(rule);
      const alerts = before.take(run.slice(0, cut));
      keys.push(keysOf([...alerts, ...predictionBook(rule, before.save()).take(run.slice(cut))]));
    }
    expect(new Set(keys.map(String)).size).toBe(1);
    expect(keys[0]).toHaveLength(1);
  });

  test('fires once more than `for` has passed, where the clock of the collector is set back with it', () => {
    const { take } = predictionBook(rule);
    expect(
      take(predicted({ time: hour, received: hour }, { time: 0, received: 0 }, { time: 59, received: 59 })),
    ).toEqual([]);
    expect(take(predicted({ time: 60, received: 60 }))).toHaveLength(1);
  });

  test('does not fire by what was received late and in order', () => {
    const { take } = predictionBook(rule);
    expect(
      take(predicted({ time: 1, received: 1 }, { time: 2, received: hour }, { time: 60, received: hour })),
    ).toEqual([]);
    expect(take(predicted({ time: 61, received: hour }))).toHaveLength(1);
  });
});

test('a rule on silence that is changed, renamed or new knows the devices that are silent already', () => {
  const before = silentBook([{ name: 'silent', silent: '1h' }]);
  before.take([before.reading('quiet', 1_000), before.reading('gone', 1_000)]);
  const saved = before.book.save();
  for (const name of ['silent', 'other']) {
    const { take, tick } = silentBook([{ name, silent: '10s' }], saved);
    expect(take([tick(12_000)]).map(({ subject, state }) => `${subject} ${state}`)).toEqual([
      'quiet firing',
      'gone firing',
    ]);
  }
});

test('what fires by a changed rule on silence is resolved, and fires by the new one with another key', () => {
  const before = silentBook([{ name: 'silent', silent: '10s' }]);
  before.take([before.reading('quiet', 1_000)]);
  const [fired] = before.take([before.tick(12_000)]);
  const { take, tick } = silentBook([{ name: 'silent', silent: '20s' }], before.book.save());
  const [resolved] = take([tick(13_000)]);
  const [again] = take([tick(30_000)]);
  expect([fired?.state, resolved?.state, again?.state]).toEqual(['firing', 'resolved', 'firing']);
  expect(resolved?.id).toBe(fired?.id);
  expect(again?.id).not.toBe(fired?.id);
});

test('an outage of all devices is told in batches of a bounded size, each device once', () => {
  const { take, tick, reading, book } = silentBook([{ name: 'silent', silent: '10s' }]);
  const count = 2 * mostOfOneTick + 10;
  take(Array.from({ length: count }, (_, number) => reading(`d${number}`, 1_000)));
  expect(book.isPartial).toBe(false);
  const told: Alert[] = [];
  const sizes: number[] = [];
  for (let at = 0; at < 4; at++) {
    const alerts = take([tick(20_000 + at)]);
    sizes.push(alerts.length);
    told.push(...alerts);
  }
  expect(sizes).toEqual([mostOfOneTick, mostOfOneTick, 10, 0]);
  expect(new Set(keysOf(told)).size).toBe(count);
});

test('a batch that leaves something for the next, and the one behind it, are not replayed together', () => {
  const { take, tick, reading, book } = silentBook([{ name: 'silent', silent: '10s' }]);
  take(Array.from({ length: mostOfOneTick + 1 }, (_, number) => reading(`d${number}`, 1_000)));
  take([tick(20_000)]);
  expect(book.isPartial).toBe(true);
  take([tick(20_001)]);
  expect(book.isPartial).toBe(false);
});

test('alerts of a rule that is removed are resolved in batches of a bounded size', () => {
  const { take, tick, reading, book } = silentBook([{ name: 'silent', silent: '10s' }]);
  const count = mostOrphansOfBatch + 5;
  take(Array.from({ length: count }, (_, number) => reading(`d${number}`, 1_000)));
  for (let at = 0; at < 2; at++) take([tick(20_000 + at)]);
  let saved = book.save();
  const sizes: number[] = [];
  for (let at = 0; at < 3; at++) {
    const next = silentBook([], saved);
    sizes.push(next.take([next.tick(30_000)]).length);
    saved = next.book.save();
  }
  expect(sizes).toEqual([mostOrphansOfBatch, 5, 0]);
});

/** Numbers that look random, the same each time. */
function* seeded(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield state / 2_147_483_648;
  }
}

test('readings and ticks may be replayed one after the other', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seeded(seed);
    const live = silentBook([{ name: 'silent', silent: '10s' }]);
    const readings: StoredRecord[] = [];
    const ticks: StoredRecord[] = [];
    for (let nowMs = 1_000; nowMs < 120_000; nowMs += 1_000) {
      const record =
        random.next().value < 0.3 ? live.reading(`d${Math.floor(4 * random.next().value)}`, nowMs) : live.tick(nowMs);
      (record.topic === 's.readings' ? readings : ticks).push(record);
      live.take([record]);
    }
    const replayed = silentBook([{ name: 'silent', silent: '10s' }]);
    replayed.take(readings);
    replayed.take(ticks);
    const sorted = ({ rules }: SavedRules) => rules.flatMap(({ episodes }) => episodes).sort();
    expect(sorted(replayed.book.save())).toEqual(sorted(live.book.save()));
  }
});
