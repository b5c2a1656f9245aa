import type { Logger } from 'pino';
import { HttpProblem } from '../../core/http/problem.ts';
import type { Model } from '../../core/model/model.ts';
import { createServedModel } from '../../core/model/served-model.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { shorten } from '../../core/wire/problem.ts';
import type { GatewayStream } from '../stream.ts';
import { describeModel, type Input, readInput, type ServedVersion } from './input.ts';
import { label, type Predictions } from './label.ts';
import { Serve } from './serve.ts';

/** Labels what a request has with one version. */
export type Predict = (input: Input) => Promise<Predictions>;

/** A stream with the model that serves it. */
export class ServedStream {
  readonly stream: GatewayStream;
  readonly #logger: Logger;
  #served: ReturnType<typeof createServedModel> | undefined;
  #starting: Promise<void> | undefined;
  readonly #serve: Serve | undefined;

  constructor(stream: GatewayStream, logger: Logger) {
    this.stream = stream;
    this.#logger = logger;
    this.#serve = stream.serve && new Serve(stream.serve);
  }

  /** The version that serves: once one is loaded here, or as the model server has it. */
  async current(): Promise<ServedVersion | undefined> {
    if (this.#serve) return await this.#serve.describe().catch(() => undefined);
    const loaded = this.#served?.current;
    return loaded && describeModel(loaded);
  }

  /**
   * Loads the model, if there is one yet; else the first request after the first training does. With a model server it is loaded for
   * samples of the test data only, by the first request for one.
   */
  async start(): Promise<void> {
    if (this.#serve) return;
    await this.#load().catch((error: unknown) =>
      this.#logger.warn(`stream ${this.stream.name} has no model that can serve: ${describeError(error)}`),
    );
  }

  async stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#served?.stop();
  }

  /**
   * Labels rows with one version for all of the work: in this process, or by the model server where one is named.
   * @throws {HttpProblem} `not-found` where the stream has no model yet, `model-unavailable` where its server does not answer
   */
  async predicting<T>(work: (predict: Predict) => Promise<T>): Promise<T> {
    const serve = this.#serve;
    if (serve) return await serve.use((served) => work((input) => serve.predict(served, input)));
    return await this.use((model) => work((input) => label(model, readInput(model, input))));
  }

  /**
   * Uses the version that serves now; it is not closed before the work is done.
   * @throws {HttpProblem} `not-found` where the stream has no model yet
   */
  async use<T>(work: (model: Model) => Promise<T>): Promise<T> {
    if (!this.#served?.current) await this.#load();
    if (!this.#served) throw noModel(this.stream.name);
    return await this.#served.use(work);
  }

  #load(): Promise<void> {
    this.#starting ??= this.#open().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #open(): Promise<void> {
    const served = createServedModel({ models: this.stream.models, logger: this.#logger });
    try {
      await served.start();
    } catch (error) {
      if (error instanceof GaplineError && error.code === 'model-missing') throw noModel(this.stream.name);
      throw error;
    }
    this.#served = served;
  }
}

const noModel = (name: string): HttpProblem =>
  new HttpProblem('not-found', `stream ${name} has no model yet; POST /train makes one`);

/** The streams of a gateway, by name. */
export class Streams {
  readonly all: readonly ServedStream[];

  constructor(streams: readonly GatewayStream[], logger: Logger) {
    this.all = streams.map((stream) => new ServedStream(stream, logger));
  }

  /**
   * The name of the stream that a request is about: the only one where it names none. Whether there is such a stream is asked for later,
   * so that a user learns nothing of streams that they have no right to.
   * @throws {HttpProblem} `request-invalid` where it has to name one
   */
  nameOf(named: string | undefined): string {
    const [first, ...others] = this.all;
    if (named !== undefined) return named;
    if (first && others.length === 0) return first.stream.name;
    throw new HttpProblem('request-invalid', 'name a stream: this gateway has several', {
      errors: [{ pointer: '/stream', code: 'missing', detail: 'the name of a stream' }],
    });
  }

  /** @throws {HttpProblem} `not-found` */
  get(name: string): ServedStream {
    const found = this.all.find(({ stream }) => stream.name === name);
    if (!found) throw new HttpProblem('not-found', `there is no stream ${shorten(name)}`);
    return found;
  }
}
