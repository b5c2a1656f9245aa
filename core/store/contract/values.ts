import { expect } from 'vitest';
import { type Case, now, point, readAll } from './case.ts';

export const values: Record<string, Case> = {
  async 'keeps every bit of a number'(store) {
    const numbers = [0, -0, 0.1, -1 / 3, 1e-300, 5e-324, Number.MAX_VALUE, 2 ** 53 + 2, -(2 ** 63), 123456789.12345679];
    const fields = Object.fromEntries(numbers.map((value, index) => [`n${index}`, value]));
    await store().write([point(fields)]);
    expect(await readAll(store())).toEqual([point(fields)]);
  },

  async 'keeps long strings, of digits and of all else'(store) {
    const digits = '1.25,-3,,'.repeat(3_000);
    const points = ['{"}:,', 'ü', '"\\', '\n'].map((other, index) =>
      point({ a: digits, b: other.repeat(2_000), c: 1 }, { time: String(now + BigInt(index)) }),
    );
    expect(await store().write(points)).toEqual([]);
    expect(await readAll(store())).toEqual(points);
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
