import { sendProblem } from '../../core/http/problem.ts';
import { nanosecondsOfMs } from '../../core/wire/time.ts';
import { readText } from '../body.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError, readingRules } from '../endpoint.ts';
import { bodyForm } from './content-type.ts';
import { recordsOfBody } from './records.ts';

/** `POST /readings`: 202 once every reading of the request is durable; else a problem, and no reading is accepted. */
export function readingsEndpoint(options: EndpointOptions): EndpointHandler {
  const { stream, maxReadings, memory, groups, metrics, nowMs } = options;
  const rulesFor = readingRules(options);
  const guard = options.guard('write');
  return async (request, response) => {
    try {
      await guard(request, response);
      const form = bodyForm(request);
      const precision = precisionOf(request.query.precision);
      const text = await readText(request, options.body, memory);
      const receivedMs = nowMs();
      const { records } = recordsOfBody({
        text,
        form,
        rules: rulesFor(precision, receivedMs),
        stream: stream.name,
        received: nanosecondsOfMs(receivedMs),
        maxReadings,
      });
      if (records.length > 0) await groups.add(records);
      metrics.accepted('readings', 202, records.length, 0);
      const body = `{"accepted":${records.length}}`;
      // With its length known, head and body leave in one write.
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    } catch (error) {
      sendProblem(response, problemOfError(error, 'readings', options));
    }
  };
}
