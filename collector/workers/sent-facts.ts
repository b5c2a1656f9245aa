import { randomUUID } from 'node:crypto';
import { HttpProblem } from '../../core/http/problem.ts';
import type { LogRecord } from '../../core/log/port.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import type { Commit } from '../group-commit.ts';
import type { FactMessage, FactsRefused, FromWorker, ToWorker } from './messages.ts';

type Answer = Extract<ToWorker, { kind: 'facts' }>;
type Question = Extract<FromWorker, { kind: 'facts' }>;

/** Facts of a worker that are with the primary process, until it answers. */
export class SentFacts {
  readonly #send: (message: FromWorker) => Promise<void>;
  readonly #waiting = new Map<string, (refused: FactsRefused | undefined) => void>();

  constructor(send: (message: FromWorker) => Promise<void>) {
    this.#send = send;
  }

  /** @throws {GaplineError} what the primary process threw */
  async commit(records: readonly LogRecord[]): Promise<void> {
    const id = randomUUID();
    const refused = await new Promise<FactsRefused | undefined>((resolve) => {
      this.#waiting.set(id, resolve);
      void this.#send({ kind: 'facts', id, records: records.map(messageOf) });
    });
    if (refused) throw errorOf(refused);
  }

  settle({ id, refused }: Answer): void {
    this.#waiting.get(id)?.(refused);
    this.#waiting.delete(id);
  }
}

/** What the primary process answers once the facts of a worker are durable, or refused. Never throws. */
export async function answerFacts({ id, records }: Question, commit: Commit): Promise<Answer> {
  try {
    await commit(records.map(({ value, ...record }) => ({ ...record, value: Buffer.from(value) })));
    return { kind: 'facts', id };
  } catch (error) {
    const code = error instanceof GaplineError ? error.code : 'internal';
    const retryAfterS = error instanceof HttpProblem ? error.retryAfterS : undefined;
    return { kind: 'facts', id, refused: { code, message: describeError(error), retryAfterS } };
  }
}

const messageOf = ({ key, partitionKey, value }: LogRecord): FactMessage => ({
  key: key ?? '',
  partitionKey: partitionKey ?? '',
  value: Buffer.from(value).toString(),
});

/** Only an `HttpProblem` has a text for senders. */
const errorOf = ({ code, message, retryAfterS }: FactsRefused): GaplineError =>
  retryAfterS === undefined ? new GaplineError(code, message) : new HttpProblem(code, message, { retryAfterS });
