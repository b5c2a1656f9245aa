import { gzipSync } from 'node:zlib';
import fc from 'fast-check';

/** One request to the collector, hostile or nearly right. */
export interface Input {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The values of the stream that the inputs are meant for. */
export const fuzzFields = ['a', 'A', 'b', 'char_freq_;', 'constructor'];

export type Random = () => number;

/** The generator `mulberry32`: small, quick, the same everywhere. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Endless inputs, the same for the same seed. */
export function* inputs(seed: number): Generator<Input> {
  const random = randomFrom(seed);
  for (let chunk = 0; ; chunk += 1) {
    const structures = fc.sample(fc.json({ depthSize: 'small' }), { numRuns: 50, seed: seed + chunk });
    for (const structure of structures) {
      for (let turn = 0; turn < 9; turn += 1) yield dressed(random, turn % 3 === 2 ? lines(random) : readings(random));
      yield dressed(random, { path: '/readings', type: 'application/json', text: structure });
    }
  }
}

interface Draft {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

const hostile = [
  '__proto__',
  'constructor',
  '1e999',
  '-1e999',
  '1e-999',
  'NaN',
  'Infinity',
  '\\u0000',
  '\\ud800',
  '\u0000',
  '\u007f',
  '\ufeff',
  '\r',
  '\n',
  '\t',
  '"',
  "'",
  '\\',
  '\\\\',
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '=',
  ' ',
  '#',
  'null',
  'true',
  '9'.repeat(400),
  '-',
  '.',
  'e',
  'i',
  'u',
  '💥',
  'ß',
  '9007199254740993',
  '18446744073709551616',
  '9223372036854775807',
  '2024-02-30T00:00:00Z',
  '$where',
  '%00',
  '<script>',
  '{{7*7}}',
  "' OR 1=1 --",
];

const names = ['a', 'A', 'b', 'char_freq_;', 'constructor', 'c', '__proto__', 'toString', '', 'x/~', 'ü'];
const numbers = [
  '0',
  '-0',
  '1',
  '1.5',
  '-3e10',
  '1e308',
  '1e309',
  '5e-324',
  '123456789012345678901234567890',
  'null',
  'null',
  '"1"',
  'true',
  '[1]',
  '{}',
];
const times = [
  '"2024-01-31T12:00:00Z"',
  '"2024-01-31T12:00:00.123456789+05:30"',
  '"2023-02-29T00:00:00Z"',
  '"1969-12-31T23:59:59Z"',
  '"2262-04-12T00:00:00Z"',
  '"9999-12-31T23:59:59Z"',
  '"1700000000000000000"',
  '"-1"',
  '"9223372036854775807"',
  '1700000000',
  '0',
  '9007199254740993',
  '1.5',
  '-1',
  'null',
  '""',
  'true',
];
const devices = [
  '"d"',
  '"pump 1"',
  '"a,b=c"',
  '"ü"',
  '"\\ud800"',
  '"a\\u0000"',
  '"a\\\\"',
  '""',
  '7',
  'null',
  `"${'x'.repeat(300)}"`,
  '"__proto__"',
];

/** JSON: one, several or a line each; put together from parts that are mostly right, then mutated at times. */
function readings(random: Random): Draft {
  const one = (): string => {
    const members = [
      `"device":${pick(random, devices, 0.8)}`,
      `"time":${random() < 0.7 ? `"${1_600_000_000_000_000_000n + BigInt(Math.floor(random() * 2 ** 52))}"` : pick(random, times)}`,
      `"values":{${many(random, 4, () => `${JSON.stringify(pick(random, names, 0.85))}:${pick(random, numbers, 0.85)}`)}}`,
    ];
    if (random() < 0.3) members.push(`"truth":${pick(random, devices)}`);
    if (random() < 0.05) members.push(`${JSON.stringify(pick(random, names))}:${pick(random, numbers)}`);
    if (random() < 0.05) members.splice(Math.floor(random() * 3), 1);
    return `{${members.join(',')}}`;
  };
  const shape = random();
  const count = random() < 0.01 ? 2_000 : Math.floor(random() * 6);
  if (shape < 0.5) return { path: '/readings', type: 'application/json', text: mutated(random, one()) };
  const all = Array.from({ length: count }, one);
  if (shape < 0.75) return { path: '/readings', type: 'application/json', text: mutated(random, `[${all.join(',')}]`) };
  return { path: '/readings', type: 'application/x-ndjson', text: mutated(random, all.join('\n')) };
}

const lineParts = [
  'm',
  'm\\ n',
  'device=d',
  'device=a\\,b',
  'device=',
  'host=h',
  'device=d,device=e',
  'a=1',
  'a=1i',
  'b=2u',
  'A=1e5',
  'a="x y"',
  'a="',
  'b=t',
  'a=',
  '=1',
  '1700000000000000000',
  '-5',
  '1e5',
  '',
];

function lines(random: Random): Draft {
  const one = (): string => {
    if (random() < 0.2) return many(random, 6, () => pick(random, lineParts), pick(random, [',', ' ']));
    const fields = many(
      random,
      3,
      () => `${pick(random, names.slice(0, 6))}=${pick(random, ['1', '2.5', '-1e3', '7i', '9u', '"s"', 't'])}`,
    );
    return `m,device=${pick(random, ['d', 'e', 'a\\ b', 'ü'])} ${fields || 'a=1'} ${1_600_000_000_000_000_000n + BigInt(Math.floor(random() * 2 ** 52))}`;
  };
  const text = Array.from({ length: 1 + Math.floor(random() * 4) }, one).join('\n');
  return { path: '/api/v2/write?org=o&bucket=b', type: 'text/plain', text: mutated(random, text) };
}

/** Half of all texts stay as they are. */
function mutated(random: Random, text: string): string {
  let changed = text;
  while (random() < 0.5) {
    const at = Math.floor(random() * (changed.length + 1));
    const length = Math.floor(random() ** 3 * 20);
    const kind = random();
    if (kind < 0.4) changed = changed.slice(0, at) + pick(random, hostile) + changed.slice(at + length);
    else if (kind < 0.6) changed = changed.slice(0, at) + changed.slice(at + length + 1);
    else if (kind < 0.8) changed = changed.slice(0, at) + changed.slice(at, at + 40).repeat(2) + changed.slice(at + 40);
    else if (kind < 0.95) changed = changed.slice(0, at);
    else changed = changed.slice(0, at) + pick(random, ['[', '{"a":', '"', '9']).repeat(5_000) + changed.slice(at);
  }
  return changed;
}

const oddTypes = [
  '',
  'application/json; charset=utf-16',
  'text/json',
  'application/x-ndjson;charset=utf-8',
  'multipart/form-data; boundary=x',
  'application/json',
];
const oddQueries = [
  'precision=ms',
  'precision=s',
  'precision=',
  'precision=x',
  'precision=ns&precision=s',
  '%',
  'a[b]=c',
  '__proto__=1',
];

/** Gives a text its headers and its bytes, which may be cut, flipped or compressed. */
function dressed(random: Random, { path, type, text }: Draft): Input {
  const headers: Record<string, string> = { 'content-type': random() < 0.03 ? pick(random, oddTypes) : type };
  let body = Buffer.from(text);
  if (random() < 0.05 && body.length > 0) {
    body = Buffer.from(body);
    body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
  }
  if (random() < 0.05) {
    headers['content-encoding'] = pick(random, [
      'gzip',
      'gzip',
      'x-gzip',
      'GZIP',
      'deflate',
      'br',
      'gzip, gzip',
      'identity',
    ]);
    body = gzipSync(body, { level: 1 });
    if (random() < 0.3) body = body.subarray(0, Math.floor(random() * body.length));
    if (random() < 0.3 && body.length > 0) body[Math.floor(random() * body.length)]! ^= 1 << Math.floor(random() * 8);
  }
  const query = random() < 0.03 ? `${path.includes('?') ? '&' : '?'}${pick(random, oddQueries)}` : '';
  return { path: path + query, headers, body };
}

/** One of a list; with `first`, the first of it so often. */
function pick<T>(random: Random, list: readonly T[], first = 0): T {
  return random() < first ? list[0]! : list[Math.floor(random() * list.length)]!;
}

function many(random: Random, most: number, make: () => string, separator = ','): string {
  return Array.from({ length: Math.floor(random() * (most + 1)) }, make).join(separator);
}
