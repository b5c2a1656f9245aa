import { sendProblem } from '../../core/http/problem.ts';
import { nanosecondsOfMs } from '../../core/wire/time.ts';
import { decodeText, readBody } from '../body.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError, readingRules } from '../endpoint.ts';
import { bodyForm } from './content-type.ts';
import { recordsOfBody } from './records.ts';
import { ReadingScanner } from './scan.ts';

/** `POST /readings`: 202 once every reading of the request is durable; else a problem, and no reading is accepted. */
export function readingsEndpoint(options: EndpointOptions): EndpointHandler {
  const { stream, maxReadings, memory, groups, metrics, nowMs } = options;
  const rulesFor = readingRules(options);
  const guard = options.guard('write');
  const scanner = new ReadingScanner({ stream: stream.name, fields: stream.fields, maxReadings });
  return async (request, response) => {
    const refuse = (error: unknown) => sendProblem(response, problemOfError(error, 'readings', options));
    const accept = (readings: number): void => {
      metrics.accepted('readings', 202, readings, 0);
      const body = `{"accepted":${readings}}`;
      // With its length known, head and body leave in one write.
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    };
    try {
      await guard(request, response);
      const form = bodyForm(request);
      const precision = precisionOf(request.query.precision);
      const bytes = await readBody(request, options.body, memory);
      const receivedMs = nowMs();
      const rules = rulesFor(precision, receivedMs);
      const received = nanosecondsOfMs(receivedMs);
      const records =
        scanner.scan({ bytes, form, rules, received }) ??
        recordsOfBody({ text: decodeText(bytes), form, rules, stream: stream.name, received, maxReadings }).records;
      if (records.length === 0) return accept(0);
      groups.enqueue(records, (error) => (error === undefined ? accept(records.length) : refuse(error)));
    } catch (error) {
      refuse(error);
    }
  };
}
