import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { labelledRow } from '../../core/model/labelled-row.ts';
import type { Rows } from '../../core/model/rows.ts';
import { shorten } from '../../core/wire/problem.ts';
import type { ServeAddress } from '../stream.ts';
import { type Input, type ServedVersion, takesOther } from './input.ts';
import type { Predictions } from './label.ts';
import { readRows } from './rows.ts';
import { askServe, VersionGone } from './serve-request.ts';

/** Numbers in one request: some 4 MB of JSON, of the 10 that serve takes. */
const mostNumbers = 200_000;
/** How often work is repeated because another version was promoted in the middle. */
const mostAttempts = 4;

const names = z.string().transform((text) => z.array(z.string()).min(1).parse(JSON.parse(text)));
const metadataSchema = z.object({
  name: z.string(),
  versions: z.tuple([z.string().regex(/^\d{1,9}$/)]).rest(z.string()),
  inputs: z.tuple([z.object({ name: z.string(), parameters: z.object({ fields: names }) })]).rest(z.unknown()),
  outputs: z.array(
    z.object({ name: z.string(), parameters: z.object({ classes: names.optional() }).default({ classes: undefined }) }),
  ),
});
const tensor = <Data extends z.ZodType>(name: string, data: Data) =>
  z.object({ name: z.literal(name), data: z.array(data) });
const responseSchema = z.object({
  outputs: z.tuple([
    tensor('label', z.string()),
    tensor('probabilities', z.number().nullable()),
    tensor('filled', z.number().nullable()),
  ]),
});

/** A model in `gapline serve`, asked over the Open Inference Protocol v2. Its address is part of the configuration, never of a request. */
export class Serve {
  readonly #address: ServeAddress;
  /** As it was when last asked; another promotion is noticed by the answer to a request that names this one. */
  #served: Promise<ServedVersion> | undefined;

  constructor(address: ServeAddress) {
    this.#address = address;
  }

  /** @throws {HttpProblem} `model-unavailable` */
  describe(): Promise<ServedVersion> {
    const asked = this.#describe();
    asked.catch(() => {});
    this.#served = asked;
    return asked;
  }

  /**
   * Uses one version for all of the work, which is repeated where another is promoted meanwhile.
   * @throws {HttpProblem} `model-unavailable`
   */
  async use<T>(work: (served: ServedVersion) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const served = await (this.#served ?? this.describe()).catch((error: unknown) => {
        this.#served = undefined;
        throw error;
      });
      try {
        return await work(served);
      } catch (error) {
        if (!(error instanceof VersionGone)) throw error;
        this.#served = undefined;
        if (attempt === mostAttempts) throw unavailable(error.message);
      }
    }
  }

  /**
   * Labels rows that stand for themselves, as the embedded gateway does.
   * @throws {HttpProblem} `request-invalid` where a row has other fields than the model, or the model takes windows of samples
   */
  async predict(served: ServedVersion, input: Input): Promise<Predictions> {
    if (served.takes === 'windows')
      throw new HttpProblem(
        'request-invalid',
        'the model takes windows of samples: send them to `gapline serve` itself',
      );
    if (!input.rows || input.windows) throw takesOther('rows');
    const rows = readRows(served, input.rows);
    const most = Math.max(1, Math.floor(mostNumbers / rows.width));
    const predictions: Predictions['predictions'] = [];
    for (let first = 0; first < rows.count; first += most)
      predictions.push(...(await this.#infer(served, part(rows, first, Math.min(rows.count, first + most)))));
    return { model: served.model, predictions };
  }

  async #describe(): Promise<ServedVersion> {
    const path = `/v2/models/${encodeURIComponent(this.#address.model)}`;
    const { name, versions, inputs, outputs } = read(metadataSchema, await askServe(this.#address, path));
    const [{ name: input, parameters }, ...others] = inputs;
    const classes =
      outputs.flatMap((output) => (output.name === 'probabilities' ? output.parameters.classes : [])) ?? [];
    return {
      model: { name, version: Number(versions[0]) },
      fields: parameters.fields,
      classes: classes.filter((each) => each !== undefined),
      takes: input === 'samples' && others.length > 0 ? 'windows' : 'rows',
      rate: null,
      windowSamples: null,
    };
  }

  async #infer({ model, fields, classes }: ServedVersion, rows: Rows): Promise<Predictions['predictions']> {
    const { count, width, values } = rows;
    const path = `/v2/models/${encodeURIComponent(model.name)}/versions/${model.version}/infer`;
    const data = Array.from(values, (value) => (Number.isNaN(value) ? null : value));
    const json = await askServe(this.#address, path, {
      inputs: [{ name: 'rows', shape: [count, width], datatype: 'FP64', data }],
      outputs: ['label', 'probabilities', 'filled'].map((name) => ({ name })),
    });
    const [label, probabilities, filled] = read(responseSchema, json).outputs;
    if (label.data.length !== count || probabilities.data.length !== count * classes.length)
      throw unavailable(`${label.data.length} labels and ${probabilities.data.length} probabilities for ${count} rows`);
    if (filled.data.length !== values.length)
      throw unavailable(`${filled.data.length} filled values for ${values.length}`);
    const output = {
      labels: Int32Array.from(label.data, (name) => classes.indexOf(name)),
      probabilities: numbers(probabilities.data),
      filled: numbers(filled.data),
    };
    return Array.from({ length: count }, (_, row) => labelledRow({ fields, classes }, rows, output, row));
  }
}

const numbers = (data: readonly (number | null)[]) => Float64Array.from(data, (value) => value ?? Number.NaN);

const part = ({ width, values, devices, times }: Rows, first: number, end: number): Rows => ({
  ...{ count: end - first, width, values: values.subarray(first * width, end * width) },
  devices: devices.slice(first, end),
  times: times.subarray(first, end),
});

const unavailable = (detail: string): HttpProblem =>
  new HttpProblem('model-unavailable', `the model server does not answer as it should: ${detail}`, { retryAfterS: 5 });

function read<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unavailable(shorten(`${issue?.path.join('.')}: ${issue?.message}`, 300));
}
