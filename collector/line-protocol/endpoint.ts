import { HttpProblem } from '../../core/http/problem.ts';
import { nanosecondsOfMs } from '../../core/wire/time.ts';
import { decodeText, readBody } from '../body.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError, readingRules } from '../endpoint.ts';
import { sendInfluxError } from './influx-error.ts';
import { LineScanner } from './one-pass.ts';
import { recordsOfLines } from './records.ts';

export interface LineProtocolOptions extends EndpointOptions {
  /** The tag that names the device. */
  readonly deviceTag: string;
  /** The only measurement that is taken; undefined: any. */
  readonly measurement: string | undefined;
}

/**
 * `POST /api/v2/write`: 204 once every line of the request is durable. Lines that are sound line protocol and yet no readings are refused
 * alone, as by InfluxDB's partial write: the others are durable, and the response is 400 with the refused ones. After any other error no
 * line was accepted.
 */
export function lineProtocolEndpoint(options: LineProtocolOptions): EndpointHandler {
  const { stream, deviceTag, measurement, maxReadings, memory, groups, metrics, nowMs } = options;
  const rulesFor = readingRules(options);
  const arrival = uniqueArrivals(nowMs);
  const guard = options.guard('write');
  const { name, fields } = stream;
  const scanner = new LineScanner({ stream: name, fields, deviceTag, measurement, maxReadings });
  return async (request, response, query) => {
    const refuse = (error: unknown) => sendInfluxError(response, problemOfError(error, 'line-protocol', options));
    try {
      if (!guard.passesAtOnce(request)) await guard(request, response);
      const precision = precisionOf(query.precision);
      const body = await readBody(request, options.body, memory);
      // Nothing below waits while the bytes are looked at.
      const bytes = body.join();
      const receivedMs = nowMs();
      const rules = rulesFor(precision, receivedMs);
      const received = nanosecondsOfMs(receivedMs);
      const { records, refusal, ignoredFields } =
        scanner.scan({ bytes, rules, received, arrival }) ??
        recordsOfLines({
          ...{ text: decodeText(bytes), rules, received, arrival },
          ...{ stream: stream.name, deviceTag, measurement, maxReadings },
        });
      const { length } = records;
      const done = (): void => {
        metrics.accepted('line-protocol', refusal === undefined ? 204 : 400, length, ignoredFields);
        if (refusal === undefined) response.writeHead(204).end();
        else sendInfluxError(response, new HttpProblem('reading-invalid', refusal));
      };
      if (length === 0) return done();
      groups.enqueue(records, (error) => (error === undefined ? done() : refuse(error)), request.socket);
    } catch (error) {
      refuse(error);
    }
  };
}

/** Times of arrival in nanoseconds, each later than the one before, so that no two readings are one point. */
function uniqueArrivals(nowMs: () => number): () => string {
  let last = 0n;
  return () => {
    const now = BigInt(nanosecondsOfMs(nowMs()));
    last = now > last ? now : last + 1n;
    return last.toString();
  };
}
