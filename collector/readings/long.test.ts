import { expect, test } from 'vitest';
import { recordsOfBody } from './records.ts';

const fields = ['pressure', 'rate'];
const rules = { fields, known: new Set(fields), precision: 'ns', latest: '1800000000000000000' } as const;
const taken = (inputs: readonly object[]) =>
  recordsOfBody({
    ...{ text: JSON.stringify(inputs), form: 'json', rules, stream: 'icu', received: '9', maxReadings: 10 },
  }).records.map(({ key, value }) => ({ key, ...JSON.parse(Buffer.from(value).toString()) }));
const long = (parameter: string, value: number | null) => ({
  device: 'p',
  time: '1700000000000000000',
  parameter,
  value,
});

test('readings in long form are logged as readings of one value; those of one time may come in one request', () => {
  const reading = { key: 'p', stream: 'icu', device: 'p', time: '1700000000000000000', received: '9' };
  expect(
    taken([
      long('pressure', 120),
      long('rate', null),
      { device: 'q', time: '1700000000000000000', values: { rate: 3 } },
    ]),
  ).toEqual([
    { ...reading, values: { pressure: 120 } },
    { ...reading, values: { rate: null } },
    { ...reading, key: 'q', device: 'q', values: { rate: 3 } },
  ]);
});

test('the same parameter of the same time twice in a request is refused', () => {
  expect(() => taken([long('rate', 1), long('rate', 2)])).toThrow('the same device, time and parameter as /0');
});
