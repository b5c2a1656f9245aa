import { HttpProblem } from '../../core/http/problem.ts';
import { type Reply, sendReply } from '../../core/http/reply.ts';
import { nanosecondsOfMs, type Precision } from '../../core/wire/time.ts';
import { decodeText, readBody } from '../body.ts';
import type { DirectEndpoint } from '../direct.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError, readingRules } from '../endpoint.ts';
import { influxErrorReply } from './influx-error.ts';
import { LineScanner } from './one-pass.ts';
import { type LineRecords, recordsOfLines } from './records.ts';

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
export function lineProtocolEndpoint(options: LineProtocolOptions): {
  handle: EndpointHandler;
  direct: DirectEndpoint;
} {
  const { stream, deviceTag, measurement, maxReadings, memory, groups, metrics, nowMs } = options;
  const arrivalOf = readingRules(options);
  const arrival = uniqueArrivals(nowMs);
  const guard = options.guard('write');
  const { name, fields } = stream;
  const scanner = new LineScanner({ stream: name, fields, deviceTag, measurement, maxReadings });
  const refused = (error: unknown) => influxErrorReply(problemOfError(error, 'line-protocol', options));
  const accepted = ({ records: { length }, refusal, ignoredFields }: LineRecords): Reply => {
    metrics.accepted('line-protocol', refusal === undefined ? 204 : 400, length, ignoredFields);
    return refusal === undefined ? noContent : influxErrorReply(new HttpProblem('reading-invalid', refusal));
  };
  const scanned = (bytes: Buffer, precision: Precision) => {
    const received = arrivalOf(precision);
    return { lines: scanner.scan({ bytes, ...received, arrival }), ...received };
  };
  return {
    direct(request, query) {
      if (!guard.passesAtOnce(request)) return undefined;
      const { lines } = scanned(request.body, precisionOf(query.precision));
      if (lines === undefined || lines.records.length === 0) return undefined;
      return { records: lines.records, accepted: () => accepted(lines), refused };
    },
    async handle(request, response, query) {
      const refuse = (error: unknown) => sendReply(response, refused(error));
      try {
        if (!guard.passesAtOnce(request)) await guard(request, response);
        const precision = precisionOf(query.precision);
        const body = await readBody(request, options.body, memory);
        // Nothing below waits while the bytes are looked at.
        const bytes = body.join();
        const { lines: found, rules, received } = scanned(bytes, precision);
        const lines =
          found ??
          recordsOfLines({
            ...{ text: decodeText(bytes), rules, received, arrival },
            ...{ stream: stream.name, deviceTag, measurement, maxReadings },
          });
        const accept = () => sendReply(response, accepted(lines));
        if (lines.records.length === 0) return accept();
        groups.enqueue(lines.records, (error) => (error === undefined ? accept() : refuse(error)), request.socket);
      } catch (error) {
        refuse(error);
      }
    },
  };
}

const noContent: Reply = { status: 204, headers: {} };

/** Times of arrival in nanoseconds, each later than the one before, so that no two readings are one point. */
function uniqueArrivals(nowMs: () => number): () => string {
  let last = 0n;
  return () => {
    const now = BigInt(nanosecondsOfMs(nowMs()));
    last = now > last ? now : last + 1n;
    return last.toString();
  };
}
