import type { GeneratorControl, GeneratorState } from '../core/wire/generator-control.ts';
import type { Generator, GeneratorTotals } from './generator.ts';

export interface ControlledOptions {
  /** Makes a generator that resumes where the one before stopped. */
  readonly create: (rate: number) => Generator;
  /** Readings a second at the start. */
  readonly rate: number;
}

const none: GeneratorTotals = { sent: 0, accepted: 0, retried: 0, gaps: 0, values: 0, before: 0 };

/**
 * A generator that is started, stopped and given another rate while the process runs. A change of the rate is a stop and a start: the
 * readings resume from the progress that was kept, none is left out and none is sent anew.
 */
export class ControlledGenerator {
  readonly #create: ControlledOptions['create'];
  readonly #failure = Promise.withResolvers<never>();
  #rate: number;
  #current: Generator | undefined;
  #before = none;
  /** Changes follow one another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ create, rate }: ControlledOptions) {
    this.#create = create;
    this.#rate = rate;
    this.#failure.promise.catch(() => {});
  }

  /** Rejects when a generator cannot continue by itself. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  start(): Promise<void> {
    return this.#inTurn(() => this.#begin());
  }

  stop(): Promise<void> {
    return this.#inTurn(() => this.#end());
  }

  set({ running = this.#current !== undefined, rate = this.#rate }: GeneratorControl): Promise<GeneratorState> {
    return this.#inTurn(async () => {
      if (!running || rate !== this.#rate) await this.#end();
      this.#rate = rate;
      if (running) await this.#begin();
      return this.state();
    });
  }

  state(): GeneratorState {
    return { running: this.#current !== undefined, rate: this.#rate, accepted: this.totals().accepted };
  }

  totals(): GeneratorTotals {
    return this.#current ? sum(this.#before, this.#current.totals()) : this.#before;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #begin(): Promise<void> {
    if (this.#current) return;
    const generator = this.#create(this.#rate);
    await generator.start();
    this.#current = generator;
    generator.failed.catch(this.#failure.reject);
    // One that has sent all that it was to send does not run any more.
    void generator.finished.then(
      () => this.#inTurn(() => (this.#current === generator ? this.#end() : Promise.resolve())),
      () => {},
    );
  }

  async #end(): Promise<void> {
    const generator = this.#current;
    if (!generator) return;
    await generator.stop();
    this.#before = this.totals();
    this.#current = undefined;
  }
}

const sum = (a: GeneratorTotals, b: GeneratorTotals): GeneratorTotals => ({
  sent: a.sent + b.sent,
  accepted: a.accepted + b.accepted,
  retried: a.retried + b.retried,
  gaps: a.gaps + b.gaps,
  values: a.values + b.values,
  before: b.before,
});
