import type { Random } from './inputs.ts';

/** What is wrong with a file that somebody edited, cut, or copied from a bad disk. */
export type Corruption = (bytes: Buffer, random: Random) => Buffer;

/** Its `length` compares with no number, and throws where it is tried. */
const unorderable = '{"length":{"toString":1,"valueOf":1}}';

/** Texts in place of a value, in YAML, JSON and CSV alike. */
const strange = [
  '1e999',
  '-1e999',
  '1e308',
  '-0',
  '5e-324',
  '9'.repeat(400),
  '9007199254740993',
  '0x1F',
  '.inf',
  '.nan',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '[[[]]]',
  '{"a":{"b":1}}',
  unorderable,
  '""',
  "'",
  '"',
  '-1',
  '1.5',
  '0',
  '2026-02-30',
  '../../../etc/passwd',
  '*nowhere',
  '&here [*here]',
  '!!binary "_"',
  '!!js/function "x"',
  '<<: *nowhere',
  '%TAG ! x',
  '\u0000',
  '\u001b[31m',
  '\u2028',
  '\ufeff',
  '\r',
  '\t',
  '💥',
  'x'.repeat(100_000),
];

const prototypeKeys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'];

const nests: readonly (readonly [string, string])[] = [
  ['[', ']'],
  ['{"a":', '}'],
  ['{a: ', '}'],
  ['- ', ''],
  ['? ', ''],
  ['"', '"'],
];

const corruptions: readonly Corruption[] = [
  flipBits,
  truncate,
  text(swapLines),
  text(repeatOrDropLine),
  text(replaceValue),
  text(replaceValue),
  text(replaceKey),
  text(nest),
  text(bomb),
  text(insertAnywhere),
  (bytes, random) => Buffer.concat([bytes.subarray(at(bytes, random)), bytes.subarray(0, at(bytes, random))]),
  (bytes, random) => Buffer.from(bytes.subarray(0, 2_000).map(() => random() * 256)),
];

/** The bytes with one to three things wrong. */
export const corrupted: Corruption = (bytes, random) => {
  let changed = bytes;
  do changed = pick(random, corruptions)(changed, random);
  while (random() < 0.3);
  return changed;
};

/** A JSON value with one to three places replaced, left out, duplicated or renamed: still JSON, but no longer what it should be. */
export function misshapen(json: unknown, random: Random): string {
  const root = { it: structuredClone(json) };
  do {
    const slots = slotsOf(root);
    const { holder, key } = pick(random, slots.length > 1 ? slots.slice(1) : slots);
    change(holder, key, random);
  } while (random() < 0.3);
  // A key of the prototype has to come in as text: set on an object it would be no member.
  return JSON.stringify(root.it).replaceAll('"PROTO"', () => JSON.stringify(pick(random, prototypeKeys)));
}

interface Slot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every member of every object and array, in order; of a long array only some. */
function slotsOf(root: object): Slot[] {
  const slots: Slot[] = [];
  const open: unknown[] = [root];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    for (const key of Object.keys(next).slice(0, 8)) {
      slots.push({ holder: next as Record<string, unknown>, key });
      open.push((next as Record<string, unknown>)[key]);
    }
  }
  return slots;
}

function change(holder: Record<string, unknown>, key: string, random: Random): void {
  const value = holder[key];
  const kind = random();
  if (kind < 0.55) holder[key] = pick(random, values(value));
  else if (kind < 0.75 && Array.isArray(holder)) holder.splice(Number(key), random() < 0.5 ? 1 : 0, value);
  else if (kind < 0.75) delete holder[key];
  else if (kind < 0.85) Object.assign(holder, { PROTO: { polluted: true } });
  else if (Array.isArray(value)) value.push(...structuredClone(value));
  else holder[`${key}x`] = value;
}

function values(value: unknown): unknown[] {
  const deep = JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)) as unknown;
  const number = typeof value === 'number' ? [value + 1, -value, value * 1e300, value / 3] : [];
  const odd = JSON.parse(unorderable) as unknown;
  return [...number, null, true, '', 'x', [], {}, [value], odd, -1, 0, 1.5, 1e308, 2 ** 53, 'x'.repeat(100_000), deep];
}

function text(edit: (text: string, random: Random) => string): Corruption {
  return (bytes, random) => Buffer.from(edit(bytes.toString('latin1'), random), 'latin1');
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes);
  for (let count = 1 + Math.floor(random() * 8); count > 0 && flipped.length > 0; count -= 1)
    flipped[at(flipped, random)]! ^= 1 << Math.floor(random() * 8);
  return flipped;
}

function truncate(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, at(bytes, random));
}

function swapLines(whole: string, random: Random): string {
  const lines = whole.split('\n');
  const [one, other] = [at(lines, random), at(lines, random)];
  [lines[one], lines[other]] = [lines[other]!, lines[one]!];
  return lines.join('\n');
}

function repeatOrDropLine(whole: string, random: Random): string {
  const lines = whole.split('\n');
  const line = at(lines, random);
  lines.splice(line, random() < 0.5 ? 1 : 0, ...(random() < 0.5 ? [lines[line]!] : []));
  return lines.join('\n');
}

const word = /[\w.+-]+/g;

function replaceValue(whole: string, random: Random): string {
  return replaceWord(whole, random, pick(random, strange));
}

function replaceKey(whole: string, random: Random): string {
  return replaceWord(whole, random, pick(random, prototypeKeys));
}

function replaceWord(whole: string, random: Random, by: string): string {
  const matches = [...whole.matchAll(word)];
  const match = matches[at(matches, random)];
  if (match === undefined) return by;
  return whole.slice(0, match.index) + by + whole.slice(match.index + match[0].length);
}

/** Deeper than a parser that calls itself can go. */
function nest(whole: string, random: Random): string {
  const place = at(whole, random);
  const depth = pick(random, [10, 1_000, 20_000]);
  const [open, close] = pick(random, nests);
  return whole.slice(0, place) + open.repeat(depth) + (random() < 0.5 ? close.repeat(depth) : '') + whole.slice(place);
}

/** Aliases of aliases: a few lines of YAML that stand for more than any memory holds. */
function bomb(whole: string, random: Random): string {
  const levels = Array.from({ length: 30 }, (_, level) => {
    const before = level === 0 ? '1' : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array.from({ length: 10 }, () => before).join(',')}]`;
  });
  const lines = whole.split('\n');
  lines.splice(at(lines, random), 0, ...levels);
  return lines.join('\n');
}

function insertAnywhere(whole: string, random: Random): string {
  const place = at(whole, random);
  return whole.slice(0, place) + pick(random, [...strange, ...prototypeKeys]) + whole.slice(place);
}

function at({ length }: { readonly length: number }, random: Random): number {
  return Math.floor(random() * length);
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}
