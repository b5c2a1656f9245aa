import { HttpProblem, sendProblem } from '../../core/http/problem.ts';
import { replyOf, sendReply } from '../../core/http/reply.ts';
import { nanosecondsOfMs } from '../../core/wire/time.ts';
import type { Admission } from '../admission.ts';
import { decodeText, readBody } from '../body.ts';
import { type EndpointHandler, type EndpointOptions, precisionOf, problemOfError } from '../endpoint.ts';
import { bodyForm } from '../readings/content-type.ts';
import { recordsOfFacts } from './records.ts';

export interface FactsOptions extends EndpointOptions {
  /** Admission of facts; readings have one of their own, so that a flood of one keeps the other out of nothing but the processor. */
  readonly factAdmission: Admission;
}

/** `POST /facts`: 202 once every fact of the request is durable; else a problem, and no fact is accepted. */
export function factsEndpoint(options: FactsOptions): EndpointHandler {
  const { stream, maxReadings, metrics, nowMs } = options;
  const { groups, memory } = options.factAdmission;
  const limits = { ...options.body, of: 'facts' };
  const guard = options.guard('write');
  return async (request, response, query) => {
    const refuse = (error: unknown) => sendProblem(response, problemOfError(error, 'facts', options));
    const accept = (facts: number): void => {
      metrics.factsAccepted(facts);
      sendReply(response, replyOf(202, 'application/json', `{"accepted":${facts}}`));
    };
    try {
      await guard(request, response);
      if (!stream.facts)
        throw new HttpProblem(
          'not-found',
          `stream ${stream.name} takes no facts; name their kinds under facts in stream.yaml`,
        );
      const form = bodyForm(request);
      const precision = precisionOf(query.precision);
      const body = await readBody(request, limits, memory);
      const records = recordsOfFacts({
        ...{ text: decodeText(body.join()), form, maxReadings, stream: stream.name },
        rules: { kinds: stream.facts, precision },
        received: nanosecondsOfMs(nowMs()),
      });
      const settle = (error?: unknown) => (error === undefined ? accept(records.length) : refuse(error));
      groups.enqueue(records, settle, request.socket);
    } catch (error) {
      refuse(error);
    }
  };
}
