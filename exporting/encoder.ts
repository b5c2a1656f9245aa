import { Worker } from 'node:worker_threads';
import type { ObjectRows } from '../core/partitions/rows.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Encoded, EncoderOptions, ObjectJob } from './encode.ts';
import type { FromEncoder, ToEncoder } from './encoder-messages.ts';
import { buffersOf } from './row-buffer.ts';
import type { SampleBatch } from './sample-batch.ts';

/** Texts of samples that are sent at once, and how many such there are: while an object is encoded, the next one is read. */
const batchBytes = 1 << 20;
const mostBatches = 8;

/** Encodes objects in a thread of its own, one after the other: their rows are sent first. */
export class Encoder {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<Encoded>>();
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #made = 0;
  #freed = Promise.withResolvers<void>();
  #failure: unknown;
  #lastId = 0;

  constructor(options: EncoderOptions) {
    this.#worker = new Worker(new URL('./encode-worker.ts', import.meta.url), {
      workerData: options,
      // Unbounded, the thread keeps some 130 MB of room for garbage in a long export.
      resourceLimits: { maxYoungGenerationSizeMb: 24 },
    });
    this.#worker.on('message', (message: FromEncoder) => this.#take(message));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new GaplineError('internal', 'the thread that encodes has ended')));
  }

  /** The rows are the thread's from now on. */
  addRows(rows: ObjectRows): void {
    this.#send({ rows }, buffersOf(rows));
  }

  /** Its bytes are those of {@link room}, and the thread's from now on. */
  addSamples(batch: SampleBatch): void {
    this.#send({ batch }, [batch.bytes.buffer]);
  }

  /** Room for texts of so many bytes, as soon as there is some: so much and no more is under way. */
  room(bytes: number): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    const free = this.#free.pop();
    if (free && free.length >= bytes) return free;
    if (free) this.#made -= 1;
    if (this.#made < mostBatches) {
      this.#made += 1;
      return new Uint8Array(Math.max(bytes, batchBytes));
    }
    return this.#whenFree(bytes);
  }

  async #whenFree(bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#freed.promise;
    if (this.#failure !== undefined) throw this.#failure;
    return await this.room(bytes);
  }

  /** The rows that were added since the last object are this one. */
  encode(job: ObjectJob): Promise<Encoded> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<Encoded>();
    this.#waiting.set(id, waiting);
    this.#send({ id, job });
    return waiting.promise;
  }

  #send(message: ToEncoder, transferred: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transferred);
  }

  #take(message: FromEncoder): void {
    if ('free' in message) {
      this.#free.push(message.free);
      this.#freed.resolve();
      this.#freed = Promise.withResolvers();
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('encoded' in message) waiting?.resolve(message.encoded);
    else waiting?.reject(new GaplineError('internal', `rows cannot be encoded: ${message.failed}`));
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#freed.resolve();
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
