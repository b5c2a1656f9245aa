import { Worker } from 'node:worker_threads';
import type { Form } from '../core/partitions/names.ts';
import type { ObjectRows } from '../core/partitions/rows.ts';
import type { Formed, FromFormer, ToFormer } from './form.ts';
import { buffersOf } from './row-buffer.ts';

/** Makes the bytes of objects in a thread of its own, one after the other. It ends with the thread that started it. */
export class Former {
  readonly #worker: Worker;
  readonly #form: Form;
  readonly #staging: string | undefined;
  readonly #waiting: PromiseWithResolvers<Formed>[] = [];
  #files = 0;
  #failure: unknown;

  /** @param staging - what paths of new files begin with, where objects are files */
  constructor(form: Form, staging?: string) {
    this.#form = form;
    this.#staging = staging;
    this.#worker = new Worker(new URL('./form-worker.ts', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: 24 },
    });
    this.#worker.on('message', (message: FromFormer) => {
      if ('failed' in message) this.#waiting.shift()?.reject(new Error(message.failed));
      else this.#waiting.shift()?.resolve(message);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that makes the bytes of objects has ended')));
    // Who waits for an object keeps this thread alive.
    this.#worker.unref();
  }

  /** The rows may not change until this is settled; memory of them that is not shared is that thread's from now on. */
  form(rows: ObjectRows): Promise<Formed> {
    const waiting = Promise.withResolvers<Formed>();
    this.#waiting.push(waiting);
    if (this.#failure !== undefined) this.#fail(this.#failure);
    else this.#worker.postMessage(this.#messageOf(rows), buffersOf(rows));
    return waiting.promise;
  }

  #messageOf(rows: ObjectRows): ToFormer {
    const file = this.#staging === undefined ? {} : { file: `${this.#staging}${++this.#files}` };
    return { rows, form: this.#form, ...file };
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }
}
