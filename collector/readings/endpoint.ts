import { HttpProblem, problemReply } from '../../core/http/problem.ts';
import { type Reply, replyOf, sendReply } from '../../core/http/reply.ts';
import type { Precision } from '../../core/wire/time.ts';
import { decodeText, readBody } from '../body.ts';
import type { DirectEndpoint } from '../direct.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError, readingRules } from '../endpoint.ts';
import { type BodyForm, bodyForm } from './content-type.ts';
import { recordsOfBody } from './records.ts';
import { ReadingScanner } from './scan.ts';

/**
 * `POST /readings`: 202 once every reading of the request is durable; else a problem, and no reading is accepted. With `?wait=2s` it is
 * 200 with the labels, where all of them are there in time.
 */
export function readingsEndpoint(options: EndpointOptions): { handle: EndpointHandler; direct: DirectEndpoint } {
  const { stream, maxReadings, memory, groups, metrics, labels } = options;
  const arrivalOf = readingRules(options);
  const guard = options.guard('write');
  const guardLabels = options.guard('read');
  const scanner = new ReadingScanner({ stream: stream.name, fields: stream.fields, maxReadings });
  const refused = (error: unknown) => problemReply(problemOfError(error, 'readings', options));
  const acceptedOne = replyOf(202, 'application/json', '{"accepted":1}');
  const accepted = (readings: number, found?: readonly string[]): Reply => {
    const status = found ? 200 : 202;
    metrics.accepted('readings', status, readings, 0);
    if (readings === 1 && !found) return acceptedOne;
    const labels = found ? `,"predictions":[${found.join(',')}]` : '';
    return replyOf(status, 'application/json', `{"accepted":${readings}${labels}}`);
  };
  const scanned = (bytes: Buffer, form: BodyForm, precision: Precision) => {
    const arrival = arrivalOf(precision);
    return { records: scanner.scan({ bytes, form, ...arrival }), ...arrival };
  };
  return {
    direct(request, query) {
      if (query.wait !== undefined || !guard.passesAtOnce(request)) return undefined;
      const { records } = scanned(request.body, bodyForm(request), precisionOf(query.precision));
      return records && { records, accepted: () => accepted(records.length), refused };
    },
    async handle(request, response, query) {
      const refuse = (error: unknown) => sendReply(response, refused(error));
      const accept = (readings: number, found?: readonly string[]) => sendReply(response, accepted(readings, found));
      try {
        if (!guard.passesAtOnce(request)) await guard(request, response);
        const waitMs = query.wait === undefined ? 0 : waitOf(query.wait);
        if (waitMs > 0) await guardLabels(request, response);
        const form = bodyForm(request);
        const precision = precisionOf(query.precision);
        const body = await readBody(request, options.body, memory);
        // Nothing below waits while the bytes are looked at.
        const bytes = body.join();
        const { records: found, rules, received } = scanned(bytes, form, precision);
        const records =
          found ??
          recordsOfBody({ text: decodeText(bytes), form, rules, stream: stream.name, received, maxReadings }).records;
        if (records.length === 0) return accept(0);
        const awaited = waitMs > 0 ? await labels?.expect(records, waitMs) : undefined;
        if (awaited) response.once('close', awaited.cancel);
        const settle = (error?: unknown): void => {
          if (error !== undefined) refuse(error);
          else if (awaited === undefined) accept(records.length);
          else void awaited.labels.then((found) => accept(records.length, found));
        };
        groups.enqueue(records, settle, request.socket);
      } catch (error) {
        refuse(error);
      }
    },
  };
}

const mostWaitMs = 30_000;

/**
 * How long the sender waits for labels, in milliseconds.
 * @throws {HttpProblem} `query-invalid`
 */
function waitOf(value: unknown): number {
  const [, count, unit] = (typeof value === 'string' && /^(\d{1,5})(ms|s)$/.exec(value)) || [];
  const waitMs = Number(count) * (unit === 's' ? 1_000 : 1);
  if (waitMs <= mostWaitMs) return waitMs;
  throw new HttpProblem('query-invalid', 'wait: how long to wait for the labels, at most 30s: wait=2s or wait=500ms');
}
