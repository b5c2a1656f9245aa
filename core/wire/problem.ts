import { z } from 'zod';
import { type ErrorCode, errorCatalog } from './errors.ts';

/** What can be wrong at one place of a request. */
export const faultCodes = [
  'missing',
  'unknown',
  'type',
  'syntax',
  'format',
  'range',
  'non-finite',
  'duplicate',
] as const;
export type FaultCode = (typeof faultCodes)[number];

const faultSchema = z.strictObject({
  pointer: z
    .string()
    .describe('where: a JSON Pointer (RFC 6901) into the body; NDJSON counts as an array of its lines'),
  code: z.enum(faultCodes).describe('what is wrong there'),
  detail: z.string().describe('the same for people'),
});
export type Fault = z.infer<typeof faultSchema>;

/** Problem details (RFC 9457), media type {@link problemType}. */
export const problemSchema = z
  .strictObject({
    type: z.string().describe('the kind of problem, a URI'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.enum(Object.keys(errorCatalog) as [ErrorCode, ...ErrorCode[]]),
    errors: z.array(faultSchema).describe('each place that is wrong, as far as they are listed'),
  })
  .meta({ title: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export const problemType = 'application/problem+json';

/** The problem details of an error. */
export function problemOf(code: ErrorCode, detail: string, errors: readonly Fault[] = []): Problem {
  const { status, title } = errorCatalog[code];
  return { type: `urn:gapline:error:${code}`, title, status, detail, code, errors: [...errors] };
}

/** One reference token of a JSON Pointer (RFC 6901), shortened where a hostile name is endless. */
export function pointerToken(name: string): string {
  return shorten(name).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Foreign text, short enough for a response or a log line. */
export function shorten(text: string, most = 100): string {
  return text.length <= most ? text.toWellFormed() : `${text.slice(0, most).toWellFormed()}…`;
}

/** Gathers what is wrong with a request: counts all of it, keeps the first ones. */
export class Faults {
  readonly list: Fault[] = [];
  readonly #most: number;
  #count = 0;

  constructor(most = 100) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether what comes now is only counted. */
  get full(): boolean {
    return this.list.length >= this.#most;
  }

  /** Whether there are so many that looking on is not worth its cost. */
  get hopeless(): boolean {
    return this.#count >= 10 * this.#most;
  }

  add(pointer: string, code: FaultCode, detail: string): void {
    this.#count += 1;
    if (this.list.length < this.#most) this.list.push({ pointer, code, detail });
  }

  /** One sentence over all of them. */
  summary(): string {
    const first = this.list[0];
    if (first === undefined) return 'nothing is wrong';
    const where = first.pointer === '' ? '' : `${first.pointer}: `;
    if (this.#count === 1) return `${where}${first.detail}`;
    const listed = this.#count > this.list.length ? `, the first ${this.list.length} of which are listed` : '';
    return `${this.hopeless ? 'at least ' : ''}${this.#count} errors${listed}; the first is ${where}${first.detail}`;
  }
}
