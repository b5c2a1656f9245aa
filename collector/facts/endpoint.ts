import { HttpProblem, sendProblem } from '../../core/http/problem.ts';
import { nanosecondsOfMs } from '../../core/wire/time.ts';
import { decodeText, readBody } from '../body.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError } from '../endpoint.ts';
import type { GroupCommit } from '../group-commit.ts';
import { bodyForm } from '../readings/content-type.ts';
import { recordsOfFacts } from './records.ts';

export interface FactsOptions extends EndpointOptions {
  /** Where facts become durable; readings have groups of their own. */
  readonly factGroups: GroupCommit;
}

/** Facts that are not yet durable, at most. */
const maxWaitingBytes = 16_000_000;

/** `POST /facts`: 202 once every fact of the request is durable; else a problem, and no fact is accepted. */
export function factsEndpoint(options: FactsOptions): EndpointHandler {
  const { stream, maxReadings, memory, factGroups, metrics, nowMs } = options;
  const guard = options.guard('write');
  return async (request, response) => {
    const refuse = (error: unknown) => sendProblem(response, problemOfError(error, 'facts', options));
    const accept = (facts: number): void => {
      metrics.factsAccepted(facts);
      const body = `{"accepted":${facts}}`;
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    };
    try {
      await guard(request, response);
      if (!stream.facts)
        throw new HttpProblem(
          'not-found',
          `stream ${stream.name} takes no facts; name their kinds under facts in stream.yaml`,
        );
      if (factGroups.waitingBytes > maxWaitingBytes)
        throw new HttpProblem('overloaded', 'more facts are waiting than the collector has memory for', {
          retryAfterS: 1,
        });
      const form = bodyForm(request);
      const precision = precisionOf(request.query.precision);
      const body = await readBody(request, options.body, memory);
      const records = recordsOfFacts({
        ...{ text: decodeText(body.join()), form, maxReadings, stream: stream.name },
        rules: { kinds: stream.facts, precision },
        received: nanosecondsOfMs(nowMs()),
      });
      factGroups.enqueue(records, (error) => (error === undefined ? accept(records.length) : refuse(error)));
    } catch (error) {
      refuse(error);
    }
  };
}
