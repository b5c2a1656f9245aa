import type { IncomingMessage } from 'node:http';
import { findJsonFault } from '../core/wire/json-fault.ts';
import { exceedsShape } from '../core/wire/json-shape.ts';
import { Faults } from '../core/wire/problem.ts';
import { checkReading, type ReadingRules } from '../core/wire/reading-input.ts';
import { ReadingRecords } from './reading-records.ts';
import { Refusal } from './refusal.ts';

export type BodyForm = 'json' | 'ndjson';

/**
 * The form that a request's content type names.
 * @throws {Refusal} `media-type-unsupported`
 */
export function bodyForm(request: IncomingMessage): BodyForm {
  const header = request.headers['content-type'];
  if (header === 'application/json') return 'json';
  if (header === undefined) {
    throw new Refusal(
      'media-type-unsupported',
      'there is no content-type; send application/json or application/x-ndjson',
    );
  }
  const [type, ...parameters] = header
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new Refusal('media-type-unsupported', 'the charset is utf-8');
  }
  if (type === 'application/json') return 'json';
  if (type === 'application/x-ndjson' || type === 'application/ndjson') return 'ndjson';
  throw new Refusal('media-type-unsupported', 'the content-type is application/json or application/x-ndjson');
}

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
 * Makes records of a body, all of them or none.
 * @throws {Refusal} with every fault of every reading and its pointer
 */
export function recordsOfBody(body: ReadingsBody): ReadingRecords {
  const faults = new Faults();
  const records = new ReadingRecords(body.stream, body.received);
  const take = (input: unknown, at: string): void => {
    const reading = checkReading(input, body.rules, at, faults);
    if (reading === undefined) return;
    const before = records.add(reading, at);
    if (before !== undefined) faults.add(at, 'duplicate', `the same device and time as ${before || 'before'}`);
  };
  if (body.form === 'ndjson') eachLine(body, faults, take);
  else eachElement(body, take);
  if (faults.count > 0) throw new Refusal('reading-invalid', faults.summary(), { errors: faults.list });
  return records;
}

type Take = (input: unknown, at: string) => void;

function eachElement(body: ReadingsBody, take: Take): void {
  const parsed = parseJson(body);
  if (!Array.isArray(parsed)) {
    take(parsed, '');
    return;
  }
  if (parsed.length > body.maxReadings) throw tooMany(body);
  for (let index = 0; index < parsed.length; index += 1) take(parsed[index], `/${index}`);
}

function eachLine(body: ReadingsBody, faults: Faults, take: Take): void {
  const { text } = body;
  let count = 0;
  let line = 0;
  for (let start = 0; start < text.length; line += 1) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const content = text.slice(start, end);
    start = end + 1;
    if (isBlank(content)) continue;
    count += 1;
    if (count > body.maxReadings) throw tooMany(body);
    let parsed: unknown;
    try {
      if (exceedsShape(content, { depth: deepest, members: mostMembers(body.maxReadings) }))
        throw new Error('misshapen');
      parsed = JSON.parse(content);
    } catch {
      // Where nobody will read it, why is not worth looking for.
      const { pointer, detail } = faults.full ? { pointer: '', detail: '' } : explainSyntax(content);
      faults.add(`/${line}${pointer}`, 'syntax', `line ${line + 1} is not JSON: ${detail}`);
      continue;
    }
    take(parsed, `/${line}`);
  }
  if (count === 0) throw empty();
}

function parseJson({ text, maxReadings }: ReadingsBody): unknown {
  if (isBlank(text)) throw empty();
  if (exceedsShape(text, { depth: deepest, members: mostMembers(maxReadings) })) throw misshapen(text, maxReadings);
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(explainSyntax(text));
  }
}

/** An array of readings with their values nests three deep. */
const deepest = 8;

/** Of one object or array; one more than is allowed, so that the check of the readings can say what is wrong. */
function mostMembers(maxReadings: number): number {
  return maxReadings + 2;
}

function misshapen(text: string, maxReadings: number): Refusal {
  const { pointer, detail } = findJsonFault(text, deepest) ?? {
    pointer: '',
    detail: `an array or object has at most ${maxReadings} members`,
  };
  return pointer === '' ? new Refusal('body-too-large', detail) : malformed({ pointer, detail });
}

function malformed({ pointer, detail }: { pointer: string; detail: string }): Refusal {
  return new Refusal('body-malformed', `the body is not JSON: ${detail}`, {
    errors: [{ pointer, code: 'syntax', detail }],
  });
}

function explainSyntax(text: string): { pointer: string; detail: string } {
  return findJsonFault(text) ?? { pointer: '', detail: 'it cannot be parsed' };
}

function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return text.length === 0 || (first <= 0x20 && text.trim() === '');
}

function empty(): Refusal {
  const detail = 'the body is empty';
  return new Refusal('body-malformed', detail, { errors: [{ pointer: '', code: 'missing', detail }] });
}

function tooMany(body: ReadingsBody): Refusal {
  return new Refusal('body-too-large', `a request has at most ${body.maxReadings} readings`);
}
