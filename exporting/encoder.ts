import { Worker } from 'node:worker_threads';
import { GaplineError } from '../core/wire/errors.ts';
import type { EncodeAnswer, Encoded, EncodeJob } from './encode.ts';

/** Encodes objects in a thread of its own, one after the other. */
export class Encoder {
  readonly #worker = new Worker(new URL('./encode-worker.ts', import.meta.url), {
    // Unbounded, the thread keeps some 130 MB of room for garbage in a long export.
    resourceLimits: { maxYoungGenerationSizeMb: 24 },
  });
  readonly #waiting = new Map<number, PromiseWithResolvers<Encoded>>();
  #lastId = 0;

  constructor() {
    this.#worker.on('message', (answer: EncodeAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('encoded' in answer) waiting?.resolve(answer.encoded);
      else waiting?.reject(new GaplineError('internal', `rows cannot be encoded: ${answer.failed.detail}`));
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new GaplineError('internal', 'the thread that encodes has ended')));
  }

  /** The rows are the thread's from now on. */
  encode(job: Omit<EncodeJob, 'id'>): Promise<Encoded> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Encoded>();
    this.#waiting.set(id, waiting);
    const { times, values, truth, ends } = job.rows;
    const buffers = [times, ...values, truth, ends].map(({ buffer }) => buffer);
    this.#worker.postMessage({ ...job, id } satisfies EncodeJob, buffers);
    return waiting.promise;
  }

  #fail(error: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
