import type { CreateHitCounter } from '../../core/http/rate-limit.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import type { Commit } from '../group-commit.ts';
import type { Figures, FromWorker, ToWorker } from './messages.ts';
import { SentFacts } from './sent-facts.ts';
import { SharedHits } from './shared-hits.ts';

/** A worker's side of what the workers of one collector share. */
export interface WorkerLink {
  readonly createCounter: CreateHitCounter;
  /** Has the primary process make facts durable. Rejects with what a request that told them is answered. */
  readonly commitFacts: Commit;
  /** The metrics of all workers, summed. */
  metrics(): Promise<string>;
  /** Sends the figures every second, when they are asked for, and once more at the end. */
  report(figures: () => Promise<Figures>): { stop(): Promise<void> };
  /** This worker takes requests. */
  listening(url: string): void;
  /** This worker cannot start; the primary process says why. */
  failed(error: unknown): Promise<void>;
  /** Resolves when the workers are to stop. */
  readonly stopped: Promise<void>;
  /** Gives the connection up, so that this process can end. */
  close(): void;
}

/** The part of `process` that a worker needs. */
export interface ParentChannel {
  send?(message: unknown, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
  off(event: 'disconnect', listener: () => void): unknown;
  disconnect?(): void;
}

const figuresEveryMs = 1_000;
/** Rate limits are shared so often. */
const hitsEveryMs = 250;
const scrapeMs = 5_000;
const mostScrapes = 100;

/**
 * Connects a worker with the primary process that started it.
 * @param orphaned called when the primary process is gone: then nobody would end this one
 */
export function linkToPrimary(channel: ParentChannel, orphaned: () => void): WorkerLink {
  const hits = new SharedHits(Date.now);
  const stop = Promise.withResolvers<void>();
  const scrapes = new Map<number, (text: string) => void>();
  let scraped = 0;
  let sendFigures = async (): Promise<void> => {};
  /** Messages on their way: a primary process that is stopped reads none, and what is sent meanwhile would pile up here. */
  let unsent = 0;
  const send = (message: FromWorker): Promise<void> =>
    new Promise((resolve) => {
      if (channel.send === undefined) return resolve();
      unsent += 1;
      // An error means that the primary process is gone; `orphaned` is called for that.
      channel.send(message, () => {
        unsent -= 1;
        resolve();
      });
    });
  const facts = new SentFacts(send);

  channel.once('disconnect', orphaned);
  channel.on('message', (message) => {
    const received = message as ToWorker;
    if (received.kind === 'stop') stop.resolve();
    else if (received.kind === 'report') void sendFigures();
    else if (received.kind === 'hits') hits.merge(received.hits);
    else if (received.kind === 'facts') facts.settle(received);
    else scrapes.get(received.id)?.(received.text);
  });
  setInterval(() => {
    if (unsent > 0) return;
    const taken = hits.takeNew();
    if (taken.length > 0) void send({ kind: 'hits', hits: taken });
  }, hitsEveryMs).unref();

  return {
    createCounter: hits.createCounter,
    commitFacts: (records) => facts.commit(records),
    stopped: stop.promise,
    close() {
      channel.off('disconnect', orphaned);
      channel.disconnect?.();
    },
    listening: (url) => void send({ kind: 'listening', url }),
    failed: (error) =>
      send({
        kind: 'failed',
        code: error instanceof GaplineError ? error.code : undefined,
        message: describeError(error),
      }),
    async metrics() {
      if (scrapes.size >= mostScrapes) throw new Error('more scrapes are waiting than the primary process answers');
      scraped += 1;
      const id = scraped;
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      scrapes.set(id, resolve);
      const timer = setTimeout(() => reject(new Error('the other workers do not report')), scrapeMs);
      void send({ kind: 'scrape', id });
      return promise.finally(() => {
        clearTimeout(timer);
        scrapes.delete(id);
      });
    },
    report(figures) {
      sendFigures = async () => send({ kind: 'figures', figures: await figures() });
      void sendFigures();
      const timer = setInterval(() => {
        if (unsent === 0) void sendFigures();
      }, figuresEveryMs);
      timer.unref();
      return {
        async stop() {
          clearInterval(timer);
          await sendFigures();
        },
      };
    },
  };
}
