import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Precision } from '../../core/wire/time.ts';
import { decodeText } from '../body.ts';
import { LineScanner } from './one-pass.ts';
import { type LineRecords, recordsOfLines } from './records.ts';

const stream = 'pumps';
const fields = [
  'a',
  'b',
  'word_freq_make',
  'word_freq_mail',
  'char_freq_;',
  'constructor',
  '__proto__',
  'grün',
  'with space',
];
const known = new Set(fields);
const received = '1700000000000000000';
const options = { stream, fields, deviceTag: 'device', measurement: undefined, maxReadings: 20 };

interface Outcome {
  readonly records: readonly (readonly [string | null, string])[];
  readonly ignoredFields: number;
  readonly refusal: string | undefined;
  readonly unknown: readonly string[];
}

/** Runs one of the two paths; undefined where it refuses the body, or leaves it to the other. */
function run(precision: Precision, path: (body: { rules: object; arrival: () => string }) => LineRecords | undefined) {
  const unknown: string[] = [];
  let arrivals = 0;
  const arrival = (): string => String(1_690_000_000_000_000_000n + BigInt(++arrivals));
  const rules = {
    fields,
    known,
    precision,
    latest: '1800000000000000000',
    unknown: (name: string) => unknown.push(name),
  };
  try {
    const outcome = path({ rules, arrival });
    return outcome && outcomeOf(outcome, unknown);
  } catch {
    return undefined;
  }
}

function outcomeOf({ records, ignoredFields, refusal }: LineRecords, unknown: readonly string[]): Outcome {
  return {
    records: records.map(({ key, value }) => [key, Buffer.from(value).toString()]),
    ignoredFields,
    refusal,
    unknown,
  };
}

type Rest = Omit<Parameters<typeof recordsOfLines>[0], 'text' | 'rules' | 'arrival'>;
const rest: Rest = { ...options, received };

/** What the one pass takes is what the slow path makes of it; and it takes nothing that the slow path refuses. */
function agree(bytes: Buffer, precision: Precision, scanner = new LineScanner(options)): boolean {
  const scanned = run(precision, (body) =>
    scanner.scan({ ...(body as Parameters<LineScanner['scan']>[0]), bytes, received }),
  );
  if (scanned === undefined) return false;
  const slow = run(precision, (body) =>
    recordsOfLines({
      ...rest,
      ...(body as Pick<Parameters<typeof recordsOfLines>[0], 'rules' | 'arrival'>),
      text: decodeText(bytes),
    }),
  );
  expect(scanned).toEqual(slow);
  return true;
}

const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(...'0012345678999'), minLength: 1, maxLength });
const number = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: -99, max: 999_999 }).map((each) => String(each / 100)) },
  { weight: 6, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('', '-'), digits(20), fc.constantFrom('', 'i', 'u', '.', '.0', '.5i', 'e2'))
      .map((all) => all.join('')),
  },
  fc.constantFrom(
    '-0',
    '-0i',
    '-0.0',
    '1e400',
    '5e-324',
    '007',
    '.5',
    '9223372036854775807i',
    '18446744073709551615u',
    't',
    '"text"',
    '"a,b=c d"',
    '',
  ),
);
const name = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...fields.slice(0, 7)) },
  { weight: 4, arbitrary: fc.constantFrom('unknown', 'word_freq_', 'other') },
  fc.constantFrom(
    'grün',
    'with\\ space',
    'a"b',
    '',
    'with space',
    'a,b',
    'a=b',
    'tab\\tbed',
    'back\\slash',
    'back\\\\slash',
  ),
);
const fieldSet = fc
  .array(fc.tuple(name, number), { minLength: 1, maxLength: 6 })
  .map((all) => all.map((each) => each.join('=')).join(','));
const tag = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('host=h', 'site=a"b', 'x=1') },
  fc.constantFrom('time=1', '_field=x', 'device=e', 'y=', '=y', 'z=a\\ b', 'ü=ü'),
);
const time = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 10, max: 60 }).map((each) => ` 16000000000000000${each}`) },
  { weight: 3, arbitrary: fc.integer({ min: 10, max: 60 }).map((each) => ` 16000000${each}`) },
  { weight: 3, arbitrary: fc.constant('') },
  fc.constantFrom(
    ' ',
    ' -5',
    ' 5',
    ' 016000000000000000000',
    ' 99999999999999999999',
    ' soon',
    '  1600000000000000000',
    ' 1600000000000000000 ',
  ),
);
const line = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant('m') },
      fc.constantFrom('two words', '#m', ' m', 'm\\ n', 'm=n', '', 'ü'),
    ),
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(',device=d', ',device=e-1') },
      fc.constantFrom('', ',device=', ',device=a\\,b', ',device=ü', `,device=${'x'.repeat(300)}`),
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      tag.map((each) => `,${each}`),
    ),
    fieldSet,
    time,
  )
  .map(([measurement, device, other, set, when]) => `${measurement}${device}${other} ${set}${when}`);

test('lines become the same records in one pass as by the slow path, or are left to it', () => {
  let taken = 0;
  const scanner = new LineScanner(options);
  const body = fc.oneof(
    line,
    fc.array(line, { maxLength: 4 }).map((all) => all.join('\n')),
  );
  fc.assert(
    fc.property(
      body,
      fc.constantFrom('', '\n', '\n', '\n\n', '\r\n'),
      fc.constantFrom<Precision>('ns', 'ns', 's'),
      (text, after, precision) => {
        if (agree(Buffer.from(text + after), precision, scanner)) taken += 1;
      },
    ),
    { numRuns: 8_000 },
  );
  // A scanner that takes nothing would agree too.
  expect(taken).toBeGreaterThan(100);
});

test('a line with any byte changed, left out or repeated becomes the same record, or is left to the slow path', () => {
  const whole = Buffer.from(
    'm,device=d,host=h a=1.25,b=7i,char_freq_;=-3e-7,other=2 1600000000000000017\nm,device=d a=1 1600000000000000018',
  );
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.constantFrom(0, 1, 2), (at, code, change) => {
      const before = whole.subarray(0, change === 2 ? at + 1 : at);
      const after = whole.subarray(change === 2 ? at : at + 1);
      agree(Buffer.concat([before, change === 1 ? Buffer.of(code) : Buffer.alloc(0), after]), 'ns');
    }),
    { numRuns: 4_000 },
  );
});

test('it takes what agents send: further tags, unknown fields, integers, a line without a time, many lines in any order', () => {
  const many = Array.from(
    { length: 20 },
    (_, row) => `m,device=d${row % 3},host=h a=${row}i,other=1,b=0.5 ${1_600_000_000_000_000_100n - BigInt(row)}`,
  );
  expect(agree(Buffer.from(many.join('\n')), 'ns')).toBe(true);
  expect(agree(Buffer.from('m,device=d a=1\n'), 'ns')).toBe(true);
  expect(agree(Buffer.from('m,host=h,device=d b=1,a=2 1600000000'), 's')).toBe(true);
  // Two lines without a time may be one reading; one without a known field is refused alone.
  expect(agree(Buffer.from('m,device=d a=1\nm,device=d b=1'), 'ns')).toBe(false);
  expect(agree(Buffer.from('m,device=d other=1'), 'ns')).toBe(false);
  const fieldsOf = (count: number) => Buffer.from(`m,device=d a=1${',other=1'.repeat(count - 1)}`);
  expect([agree(fieldsOf(10_000), 'ns'), agree(fieldsOf(10_001), 'ns')]).toEqual([true, false]);
  const tagsOf = (count: number) =>
    Buffer.from(`m,device=d${Array.from({ length: count - 1 }, (_, tag) => `,t${tag}=1`).join('')} a=1`);
  expect([agree(tagsOf(64), 'ns'), agree(tagsOf(65), 'ns')]).toEqual([true, false]);
});

test('only the measurement that is asked for is taken', () => {
  const own = new LineScanner({ ...options, measurement: 'pumps' });
  const scan = (text: string) =>
    run('ns', (body) =>
      own.scan({ ...(body as Parameters<LineScanner['scan']>[0]), bytes: Buffer.from(text), received }),
    );
  expect(scan('pumps,device=d a=1')?.records).toHaveLength(1);
  expect(scan('other,device=d a=1')).toBeUndefined();
});
