import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { HttpProblem } from '../../core/http/problem.ts';
import type { EventLog } from '../../core/log/port.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { shorten } from '../../core/wire/problem.ts';
import { readTime } from '../../core/wire/time.ts';
import { eventHeaders } from '../live.ts';
import { PredictionFeed } from './feed.ts';
import type { Selection } from './labelled-record.ts';
import { Positions } from './positions.ts';
import { type Query, queryPredictions } from './query.ts';
import { PredictionReaders } from './readers.ts';

export interface PredictionsOptions {
  readonly log: EventLog;
  /** The topic of the predictions. */
  readonly topic: string;
  readonly logger: Logger;
  /** Kept of the newest predictions for those who read them as they come, in bytes. Default 32 MB. */
  readonly newsBytes?: number;
  /** A reader that takes nothing for so long is cut off. Default 30 s. */
  readonly stuckMs?: number;
  /** After so long, a reader that reads the log makes room for those that wait. Default 5 s. */
  readonly turnMs?: number;
}

/** Questions that read the log at once; more get 503. */
const mostQuestions = 4;
const mostPredictions = 1_000;

/** What the page's server tells programs: `GET /predictions`, `/predictions/latest` and `/predictions/stream`. */
export class PredictionsOut {
  readonly #options: PredictionsOptions;
  readonly #feed: PredictionFeed;
  readonly readers: PredictionReaders;
  readonly #stopping = new AbortController();
  #questions = 0;

  constructor(options: PredictionsOptions) {
    this.#options = options;
    this.#feed = new PredictionFeed(options);
    this.readers = new PredictionReaders({ ...options, feed: this.#feed });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.readers.stop();
    await this.#feed.stop();
  }

  /**
   * @param mayRead - lets those pass who may read
   * @param isAllowed - whether the sender of a request still may
   */
  router(mayRead: RequestHandler, isAllowed: (request: Request) => boolean): Router {
    const router = Router();
    router.get('/predictions', mayRead, async (request, response) => {
      onlyKnown(request, ['device', 'label', 'since', 'limit']);
      const { predictions, complete } = await this.#answer(response, queryOf(request));
      send(response, `{"predictions":[${predictions.join(',')}],"complete":${complete}}`);
    });
    router.get('/predictions/latest', mayRead, async (request, response) => {
      onlyKnown(request, ['device']);
      const device = textOf(request, 'device');
      if (device === undefined) throw new HttpProblem('query-invalid', 'device is missing: ?device=NAME');
      const { predictions } = await this.#answer(response, { device, limit: 1 });
      if (predictions[0] === undefined)
        throw new HttpProblem('not-found', `there is no prediction of device ${shorten(device)}`);
      send(response, predictions[0]);
    });
    // Express takes HEAD for GET, and an answer without a body has to end.
    router.head(
      '/predictions/stream',
      mayRead,
      (_request, response) => void response.writeHead(200, eventHeaders).end(),
    );
    router.get('/predictions/stream', mayRead, async (request, response) => {
      onlyKnown(request, ['device', 'label', 'since']);
      if (this.readers.isFull)
        throw new HttpProblem('page-busy', 'as many readers as allowed are connected', { retryAfterS: 5 });
      const options = { selection: selectionOf(request), isAllowed: () => isAllowed(request) };
      const from = beginningOf(request);
      await this.readers.add(response, options, from).catch(inTermsOfSender);
    });
    return router;
  }

  async #answer(response: Response, query: Query) {
    if (this.#questions >= mostQuestions)
      throw new HttpProblem('page-busy', 'as many questions as allowed are being answered', { retryAfterS: 1 });
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.#stopping.signal]);
    this.#questions += 1;
    try {
      return await queryPredictions(query, this.#options, signal);
    } catch (error) {
      if (signal.aborted) throw new HttpProblem('page-busy', 'the page stops', { retryAfterS: 5, cause: error });
      return inTermsOfSender(error);
    } finally {
      this.#questions -= 1;
    }
  }
}

const send = (response: Response, json: string) =>
  response.set('cache-control', 'no-store').type('application/json').send(json);

/** Which of the log's servers did what is for the operator. */
function inTermsOfSender(error: unknown): never {
  if (!(error instanceof GaplineError) || error instanceof HttpProblem) throw error;
  throw new HttpProblem('log-unavailable', 'the log cannot be read now', { retryAfterS: 2, cause: error });
}

/** @throws {HttpProblem} for a parameter that the route does not know: a misspelt one would select everything */
function onlyKnown({ query }: Request, known: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new HttpProblem('query-invalid', `${shorten(unknown)}: no such parameter; there are ${known.join(', ')}`);
}

function textOf({ query }: Request, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new HttpProblem('query-invalid', `${name} is given more than once`);
}

function selectionOf(request: Request): Selection {
  const [device, label] = [textOf(request, 'device'), textOf(request, 'label')];
  return { ...(device !== undefined && { device }), ...(label !== undefined && { label }) };
}

function queryOf(request: Request): Query {
  const since = textOf(request, 'since');
  const limit = textOf(request, 'limit') ?? '100';
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > mostPredictions)
    throw new HttpProblem('query-invalid', `limit=${shorten(limit)}: a whole number from 1 to ${mostPredictions}`);
  return {
    ...selectionOf(request),
    limit: Number(limit),
    ...(since !== undefined && { since: timeOf(since) }),
  };
}

/** Where a stream of events begins: behind the event that the reader had last, or at a time of arrival. */
function beginningOf(request: Request): Positions | undefined {
  const lastId = request.get('last-event-id');
  if (lastId !== undefined && lastId !== '') {
    const positions = Positions.parse(lastId);
    if (positions === undefined)
      throw new HttpProblem(
        'query-invalid',
        `Last-Event-ID ${shorten(lastId)}: is not the id of an event of this stream`,
      );
    return positions;
  }
  const since = textOf(request, 'since');
  return since === undefined ? undefined : new Positions([], Math.max(1, Number(timeOf(since) / 1_000_000n)));
}

function timeOf(text: string): bigint {
  const time = readTime(text, 'ns');
  if (time !== null) return BigInt(time);
  const form = 'a time like 2026-01-31T08:00:00Z, or nanoseconds since 1970';
  throw new HttpProblem('query-invalid', `since=${shorten(text)}: expected ${form}`);
}
