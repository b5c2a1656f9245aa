import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Point } from '../wire/point.ts';
import type { ReadOptions, SeriesStore } from './port.ts';

/** An empty place for one test. */
export interface StoreUnderTest {
  /** Opens a store on that place, started. May be called again, for a second one on the same place. */
  open(): Promise<SeriesStore>;
  /** Removes the place. */
  remove(): Promise<void>;
}

/** The suite that every engine of the series store must pass. */
export function describeSeriesStore(engine: string, make: () => Promise<StoreUnderTest>): void {
  describe(`the series store on ${engine}`, () => {
    let place: StoreUnderTest;
    let store: SeriesStore;
    beforeEach(async () => {
      place = await make();
      store = await place.open();
    });
    afterEach(async () => {
      await store.stop();
      await place.remove();
    });

    const cases = { ...identity, ...names, ...values, ...refusals, ...reading };
    for (const [title, run] of Object.entries(cases)) it(title, () => run(() => store, place));
  });
}

type Case = (store: () => SeriesStore, place: StoreUnderTest) => Promise<void>;

/** 2023-11-14T22:13:20Z, with nanoseconds that a double would lose. */
const now = 1_700_000_000_000_000_001n;
const always = { from: '-9223372036854775806', to: '9223372036854775806' };

function point(fields: Point['fields'], over: Partial<Point> = {}): Point {
  return { measurement: 'spam', device: 'd1', time: String(now), fields, ...over };
}

async function readAll(store: SeriesStore, options: Partial<ReadOptions> = {}): Promise<Point[]> {
  const points: Point[] = [];
  for await (const batch of store.read({ measurement: 'spam', range: always, ...options })) points.push(...batch);
  return points;
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

const identity: Record<string, Case> = {
  async 'gives back what was written, and after opening again'(store, place) {
    const points = [point({ 'v.a': 1.5, gaps: 2, truth: 'ham' }), point({ 'v.a': 2 }, { device: 'd2' })];
    expect(await store().write(points)).toEqual([]);
    expect(await readAll(store())).toEqual(points);
    await store().stop();
    const again = await place.open();
    expect(await readAll(again)).toEqual(points);
    await again.stop();
  },

  async 'merges the fields of one identity, the later over the earlier'(store) {
    await store().write([point({ a: 1, b: 2, text: 'old', flag: true })]);
    await store().write([point({ b: 3, text: 'new', c: 4 })]);
    expect(await readAll(store())).toEqual([point({ a: 1, b: 3, text: 'new', flag: true, c: 4 })]);
  },

  async 'merges within one call too'(store) {
    expect(await store().write([point({ a: 1, b: 1 }), point({ b: 2 }), point({ b: 3, c: 3 })])).toEqual([]);
    expect(await readAll(store())).toEqual([point({ a: 1, b: 3, c: 3 })]);
  },

  async 'is the same after writing the same again'(store) {
    const points = [point({ a: 1, truth: 'x' }), point({ a: 2 }, { time: String(now + 1n) })];
    await store().write(points);
    await store().write(points);
    expect(await readAll(store())).toEqual(points);
  },

  async 'keeps measurements, devices and nanoseconds apart'(store) {
    const points = [
      point({ a: 1 }),
      point({ a: 2 }, { time: String(now + 1n) }),
      point({ a: 3 }, { device: 'd2' }),
      point({ a: 4 }, { measurement: 'spam.predictions' }),
    ];
    await store().write(points);
    expect(await readAll(store())).toEqual(points.slice(0, 3));
    expect(await readAll(store(), { measurement: 'spam.predictions' })).toEqual(points.slice(3));
    expect(await readAll(store(), { measurement: 'other' })).toEqual([]);
  },

  async 'takes several writes at once'(store) {
    const writes = Array.from({ length: 8 }, (_, writer) =>
      store().write(
        Array.from({ length: 50 }, (_, index) =>
          point({ [`f${writer}`]: index }, { time: String(now + BigInt(index)) }),
        ),
      ),
    );
    expect((await Promise.all(writes)).flat()).toEqual([]);
    const points = await readAll(store());
    expect(points).toHaveLength(50);
    expect(Object.values(points[49]!.fields)).toEqual(Array(8).fill(49));
  },

  async 'takes nothing for a call without points'(store) {
    expect(await store().write([])).toEqual([]);
    expect(await readAll(store())).toEqual([]);
  },
};

/** Names that lose something wherever escaping, folding or splitting is wrong. */
const oddNames = [
  'Temp',
  'temp',
  'char_freq_;',
  'a b',
  'a,b',
  'a=b',
  'a"b',
  'a\\b',
  'a\\"b',
  'a\\ b',
  'a\\,b',
  'a\\\\=b',
  'a\\\\\\ b',
  'ends\\',
  'a\nb',
  'a\\nb',
  'a\rb',
  'a\tb',
  'a%0ab',
  'a\u241b0ab',
  '\u0000\u007f',
  "a'b",
  '$a {{c}}',
  '#a',
  'ünï',
  '温度',
  '🌡',
  '__proto__',
  'constructor',
  'time',
  '_time',
  '_field',
  'device',
  'table',
  '1',
  ' a',
  'a ',
];

const names: Record<string, Case> = {
  async 'takes any field names as they are, each apart'(store) {
    const fields = Object.fromEntries(oddNames.map((name, index) => [name, index]));
    expect(await store().write([point(fields)])).toEqual([]);
    expect(await readAll(store())).toEqual([point(fields)]);
  },

  async 'takes any devices as they are, each apart'(store) {
    const points = oddNames.map((device, index) => point({ a: index }, { device }));
    expect(await store().write(points)).toEqual([]);
    const sorted = points.toSorted((a, b) => byBytes(a.device, b.device));
    expect(await readAll(store())).toEqual(sorted);
    for (const one of points) expect(await readAll(store(), { device: one.device })).toEqual([one]);
  },

  async 'takes any measurement as it is'(store) {
    const points = oddNames.map((measurement, index) => point({ a: index }, { measurement }));
    expect(await store().write(points)).toEqual([]);
    for (const one of points) expect(await readAll(store(), { measurement: one.measurement })).toEqual([one]);
  },

  async 'takes a field named time alone'(store) {
    expect(await store().write([point({ time: 1 })])).toEqual([]);
    expect(await readAll(store())).toEqual([point({ time: 1 })]);
  },
};

const values: Record<string, Case> = {
  async 'keeps every bit of a number'(store) {
    const numbers = [0, -0, 0.1, -1 / 3, 1e-300, 5e-324, Number.MAX_VALUE, 2 ** 53 + 2, -(2 ** 63), 123456789.12345679];
    const fields = Object.fromEntries(numbers.map((value, index) => [`n${index}`, value]));
    await store().write([point(fields)]);
    expect(await readAll(store())).toEqual([point(fields)]);
  },

  async 'keeps strings and booleans as they are'(store) {
    const texts = [
      '',
      ' ',
      'a"b',
      'a\\',
      '\\',
      'a\\"b',
      'line\nline',
      'tab\tcr\r',
      'x,y z=1',
      'ünï 🌡',
      '1',
      'true',
      '1i',
    ];
    const fields = { ...Object.fromEntries(texts.map((text, index) => [`s${index}`, text])), yes: true, no: false };
    await store().write([point(fields)]);
    expect(await readAll(store())).toEqual([point(fields)]);
  },

  async 'keeps times to the nanosecond, before 1970 and at the ends'(store) {
    const times = ['-9223372036854775806', '-1700000000000000001', '-1', '0', '1', '1700000000123456789'];
    const points = [...times, '9223372036854775806'].map((time, index) => point({ a: index }, { time }));
    expect(await store().write(points)).toEqual([]);
    expect(await readAll(store(), { range: { from: times[0]!, to: '9223372036854775807' } })).toEqual(points);
  },
};

const refusals: Record<string, Case> = {
  async 'keeps the type of a field for ever and refuses the whole point of another'(store) {
    expect(await store().write([point({ a: 1, s: 'x', b: true })])).toEqual([]);
    const later = (step: bigint) => ({ time: String(now + step) });
    const rejected = await store().write([
      point({ a: 'text', fresh: 1 }, later(1n)),
      point({ a: 2 }, later(2n)),
      point({ s: 5 }, later(3n)),
      point({ b: 1 }, later(4n)),
    ]);
    expect(rejected.map(({ index }) => index)).toEqual([0, 2, 3]);
    expect(rejected[0]!.reason).toContain('"a"');
    expect(await readAll(store())).toEqual([point({ a: 1, s: 'x', b: true }), point({ a: 2 }, later(2n))]);
  },

  async 'keeps it over years and over opening again'(store, place) {
    await store().write([point({ a: 1 })]);
    await store().stop();
    const again = await place.open();
    const distant = String(now - 3_000_000_000n * 86_400n * 400n);
    const rejected = await again.write([point({ a: 'text' }, { time: distant })]);
    expect(rejected.map(({ index }) => index)).toEqual([0]);
    expect(await readAll(again)).toEqual([point({ a: 1 })]);
    await again.stop();
  },

  async 'lets the first of two types in one call win'(store) {
    const rejected = await store().write([
      point({ a: 'text' }),
      point({ a: 1 }, { time: String(now + 1n) }),
      point({ b: 1 }, { time: String(now + 2n) }),
    ]);
    expect(rejected.map(({ index }) => index)).toEqual([1]);
    expect(await readAll(store())).toEqual([point({ a: 'text' }), point({ b: 1 }, { time: String(now + 2n) })]);
  },

  async 'refuses what no engine can keep, with the reason, and writes the rest'(store) {
    const bad: [Point, RegExp][] = [
      [point({}), /no fields/],
      [point({ a: Number.NaN }), /"a" is NaN/],
      [point({ a: Number.POSITIVE_INFINITY }), /"a" is Infinity/],
      [point({ '': 1 }), /field name is empty/],
      [point({ a: 1 }, { device: '' }), /device is empty/],
      [point({ a: 1 }, { measurement: '' }), /measurement is empty/],
      [point({ a: 1 }, { device: '\ud800' }), /not valid Unicode/],
      [point({ a: '\udc00' }), /not valid Unicode/],
      [point({ a: 1 }, { time: '9223372036854775807' }), /1677 to 2262/],
      [point({ a: 1 }, { time: '-9999999999999999999' }), /1677 to 2262/],
      [point({ a: 1 }, { time: 'yesterday' }), /decimal string/],
    ];
    const good = point({ a: 1 }, { device: 'last' });
    const rejected = await store().write([...bad.map(([one]) => one), good]);
    expect(rejected.map(({ index }) => index)).toEqual(bad.map((_, index) => index));
    for (const [index, [, reason]] of bad.entries()) expect(rejected[index]!.reason).toMatch(reason);
    expect(await readAll(store())).toEqual([good]);
  },
};

const reading: Record<string, Case> = {
  async 'reads a half open range'(store) {
    const points = [0n, 1n, 2n, 3n].map((step) => point({ a: Number(step) }, { time: String(now + step) }));
    await store().write(points);
    const range = { from: String(now + 1n), to: String(now + 3n) };
    expect(await readAll(store(), { range })).toEqual(points.slice(1, 3));
    expect(await readAll(store(), { range: { from: range.to, to: range.from } })).toEqual([]);
    expect(await readAll(store(), { range: { from: '-9999999999999999999', to: '9999999999999999999' } })).toEqual(
      points,
    );
  },

  async 'streams many points by device and then by time, in batches'(store) {
    const points: Point[] = [];
    for (const device of ['a', 'b', 'c']) {
      for (let step = 0n; step < 1_700n; step += 1n) {
        const gaps = Number(step % 3n);
        points.push(
          point({ 'v.x': Number(step), ...(gaps === 0 ? {} : { gaps }) }, { device, time: String(now + step) }),
        );
      }
    }
    const shuffled = points.map((one, index) => ({ one, order: (index * 7_919) % points.length }));
    shuffled.sort((a, b) => a.order - b.order);
    expect(await store().write(shuffled.map(({ one }) => one))).toEqual([]);
    const sizes: number[] = [];
    const found: Point[] = [];
    for await (const batch of store().read({ measurement: 'spam', range: always })) {
      sizes.push(batch.length);
      found.push(...batch);
    }
    expect(found).toEqual(points);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
    expect(await readAll(store(), { device: 'b' })).toEqual(points.slice(1_700, 3_400));
  },

  async 'reads more devices than fit a batch'(store) {
    const points = Array.from({ length: 1_200 }, (_, index) =>
      point({ a: index }, { device: `device-${String(index).padStart(5, '0')}` }),
    );
    await store().write(points);
    expect(await readAll(store())).toEqual(points);
  },

  async 'can be read while it is written and left in the middle'(store) {
    await store().write(Array.from({ length: 2_500 }, (_, i) => point({ a: i }, { time: String(now + BigInt(i)) })));
    for await (const batch of store().read({ measurement: 'spam', range: always })) {
      expect(batch[0]!.fields.a).toBe(0);
      expect(await store().write([point({ a: 1 }, { device: 'z' })])).toEqual([]);
      break;
    }
    expect(await readAll(store(), { device: 'z' })).toHaveLength(1);
  },
};
