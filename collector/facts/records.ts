import { HttpProblem } from '../../core/http/problem.ts';
import type { LogRecord } from '../../core/log/port.ts';
import { type Fact, factKey } from '../../core/wire/fact.ts';
import { checkFact, type FactRules, factInputSchema } from '../../core/wire/fact-input.ts';
import { Faults } from '../../core/wire/problem.ts';
import { eachInput, type JsonBody } from '../readings/records.ts';

export interface FactsBody extends JsonBody {
  readonly rules: FactRules;
  readonly stream: string;
  /** Nanoseconds since the epoch, as a decimal string. */
  readonly received: string;
}

/** The record of a fact: facts of one subject share a partition, as the readings of one device do. */
export const recordOfFact = (fact: Fact): LogRecord => ({
  ...{ key: factKey(fact), partitionKey: fact.subject },
  value: Buffer.from(JSON.stringify(fact)),
});

/**
 * Makes log records of all facts in a body.
 * @throws {HttpProblem} `fact-invalid` with every fault of every fact and its pointer, `body-malformed` or `body-too-large`
 */
export function recordsOfFacts(body: FactsBody): LogRecord[] {
  const { rules, stream, received } = body;
  const schema = factInputSchema(rules);
  const faults = new Faults();
  const records: LogRecord[] = [];
  const seen = new Map<string, string>();
  eachInput(body, faults, (input, at) => {
    const fact = checkFact(input, schema, rules, at, faults);
    if (!fact) return;
    const key = factKey(fact);
    const before = seen.get(key);
    if (before === undefined) seen.set(key, at);
    else faults.add(at, 'duplicate', `the same subject, kind and from as ${before || 'before'}`);
    records.push(recordOfFact({ stream, ...fact, received }));
  });
  if (faults.count > 0) throw new HttpProblem('fact-invalid', faults.summary(), { errors: faults.list });
  return records;
}
