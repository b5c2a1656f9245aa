import { HttpProblem } from '../../core/http/problem.ts';
import { checkLong, isLongInput } from '../../core/wire/long-input.ts';
import { type Fault, Faults } from '../../core/wire/problem.ts';
import { checkReading, type ReadingRules } from '../../core/wire/reading-input.ts';
import { sampleCount } from '../../core/wire/samples.ts';
import { checkSamples, isSamplesInput } from '../../core/wire/samples-input.ts';
import { ReadingRecords } from '../reading-records.ts';
import type { BodyForm } from './content-type.ts';
import { findJsonFault } from './json-fault.ts';
import { elementsOf, exceededShape, harmlessLength } from './json-shape.ts';

export interface ReadingsBody {
  readonly text: string;
  readonly form: BodyForm;
  readonly rules: ReadingRules;
  readonly stream: string;
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly received: string;
  readonly maxReadings: number;
}

/**
 * Makes log records of all readings in a body.
 * @throws {HttpProblem} `reading-invalid` with every fault of every reading and its pointer, `body-malformed` or `body-too-large`
 */
export function recordsOfBody(body: ReadingsBody): ReadingRecords {
  const faults = new Faults();
  const records = new ReadingRecords(body.stream, body.received);
  let readings = 0;
  const addSamples = (input: unknown, at: string): string | undefined => {
    const checked = checkSamples(input, body.rules, at, faults);
    if (checked === undefined) return undefined;
    readings += sampleCount(checked.values);
    if (readings > body.maxReadings) throw tooMany(body);
    return records.addSamples(checked, at);
  };
  const add = (input: unknown, at: string): void => {
    if (isSamplesInput(input)) {
      const before = addSamples(input, at);
      if (before !== undefined) faults.add(at, 'duplicate', `the same device and time as ${before || 'before'}`);
      return;
    }
    readings += 1;
    if (readings > body.maxReadings) throw tooMany(body);
    const isLong = isLongInput(input);
    const reading = (isLong ? checkLong : checkReading)(input, body.rules, at, faults);
    if (reading === undefined) return;
    const before = records.add(reading, at);
    const same = isLong ? 'device, time and parameter' : 'device and time';
    if (before !== undefined) faults.add(at, 'duplicate', `the same ${same} as ${before || 'before'}`);
  };
  eachInput(body, faults, add);
  if (faults.count > 0) throw new HttpProblem('reading-invalid', faults.summary(), { errors: faults.list });
  return records;
}

/** A body of JSON or NDJSON, and how much of it is taken. */
export type JsonBody = Pick<ReadingsBody, 'text' | 'form' | 'maxReadings'>;

type Take = (input: unknown, at: string) => void;

/**
 * Parses a body and gives each of its elements or lines, with the pointer to it.
 * @throws {HttpProblem} `body-malformed` or `body-too-large`
 */
export function eachInput(body: JsonBody, faults: Faults, take: Take): void {
  if (body.form === 'ndjson') eachLine(body, faults, take);
  else eachElement(body, faults, take);
}

function eachElement(body: JsonBody, faults: Faults, take: Take): void {
  const { text, maxReadings } = body;
  if (isBlank(text)) throw empty();
  if (text.length >= harmlessLength && /^\s*\[/.test(text)) {
    eachOfMany(body, faults, take);
    return;
  }
  const parsed = parseJson(text, maxReadings, '');
  if (!Array.isArray(parsed)) {
    take(parsed, '');
    return;
  }
  if (parsed.length > maxReadings) throw tooMany(body);
  parsed.forEach((element, index) => {
    take(element, `/${index}`);
  });
}

/** Parses a large array one element after the other, so that a hostile one is refused before all of it is parsed. */
function eachOfMany(body: JsonBody, faults: Faults, take: Take): void {
  let index = 0;
  for (const element of elementsOf(body.text)) {
    if ('offset' in element) {
      const detail = `at character ${element.offset + 1}: expected a comma, ] or the end`;
      throw malformed({ pointer: '', detail });
    }
    if (index === body.maxReadings) throw tooMany(body);
    if (!faults.hopeless) take(parseJson(element.text, body.maxReadings, `/${index}`), `/${index}`);
    index += 1;
  }
}

function eachLine(body: JsonBody, faults: Faults, take: Take): void {
  const { text, maxReadings } = body;
  let count = 0;
  let line = 0;
  for (let start = 0; start < text.length; line += 1) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const content = text.slice(start, end);
    start = end + 1;
    if (isBlank(content)) continue;
    count += 1;
    if (count > maxReadings) throw tooMany(body);
    if (faults.hopeless) continue;
    const at = `/${line}`;
    try {
      take(parseJson(content, maxReadings, at), at);
    } catch (error) {
      // A fault in one line; the other lines are checked too.
      if (!(error instanceof HttpProblem) || error.errors[0] === undefined) throw error;
      const { pointer, code, detail } = error.errors[0];
      faults.add(pointer, code, `line ${line + 1}: ${detail}`);
    }
  }
  if (count === 0) throw empty();
}

/** Levels of nesting; an array of readings with their values has three. */
const maxDepth = 8;

/**
 * Parses a text, unless it is so deep or wide that `JSON.parse` would take seconds.
 * @param at the JSON Pointer of the text in the body, to which the fault's pointer is added
 * @throws {HttpProblem} `body-malformed`
 */
function parseJson(text: string, maxReadings: number, at: string): unknown {
  const exceeded = exceededShape(text, { depth: maxDepth, members: maxReadings });
  if (exceeded !== undefined) {
    const detail = `an array or object has more than ${maxReadings} members`;
    throw malformed((exceeded === 'depth' && findJsonFault(text, maxDepth)) || { pointer: '', detail }, at);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(findJsonFault(text) ?? { pointer: '', detail: 'it cannot be parsed' }, at);
  }
}

function malformed({ pointer, detail }: { pointer: string; detail: string }, at = ''): HttpProblem {
  const fault: Fault = { pointer: at + pointer, code: 'syntax', detail };
  return new HttpProblem('body-malformed', `the body cannot be parsed: ${detail}`, { errors: [fault] });
}

function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return text.length === 0 || (first <= 0x20 && text.trim() === '');
}

function empty(): HttpProblem {
  const detail = 'the body is empty';
  return new HttpProblem('body-malformed', detail, { errors: [{ pointer: '', code: 'missing', detail }] });
}

function tooMany(body: JsonBody): HttpProblem {
  return new HttpProblem(
    'body-too-large',
    `a request has at most ${body.maxReadings} readings or facts, samples included`,
  );
}
