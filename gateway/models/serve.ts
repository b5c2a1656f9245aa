import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { labelledRow } from '../../core/model/labelled-row.ts';
import { shorten } from '../../core/wire/problem.ts';
import { validate } from '../../core/wire/validate.ts';
import type { ServeAddress } from '../stream.ts';
import { type Input, inRequest, type ServedVersion, takesOther } from './input.ts';
import type { Predictions } from './label.ts';
import { readRows } from './rows.ts';
import { askServe, VersionGone } from './serve-request.ts';
import { batchesOfRows, batchesOfWindows, type TensorBatch } from './serve-tensors.ts';
import { rateOf, readSequences } from './windows.ts';

/** How often work is repeated because another version was promoted in the middle. */
const mostAttempts = 4;

const names = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'it is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(z.string()).min(1));
const inputSchema = z.object({
  name: z.string(),
  parameters: z.object({
    fields: names,
    columns: names.optional(),
    series: z.boolean().default(false),
    by_row: z.boolean().default(false),
    rate: z.number().nullable().default(null),
    window_samples: z.int().nullable().default(null),
  }),
});
const metadataSchema = z.object({
  name: z.string(),
  versions: z.tuple([z.string().regex(/^\d{1,9}$/)]).rest(z.string()),
  inputs: z.tuple([inputSchema]).rest(z.unknown()),
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
    tensor('values', z.number().nullable()).optional(),
  ]),
});

/** As the metadata of a model server describe it. */
interface RemoteVersion {
  readonly served: ServedVersion;
  /** Its rows are made of samples: one of each, where it takes rows. */
  readonly bySamples: boolean;
  /** Of the rows that it labels. */
  readonly columns: readonly string[];
  /** These are samples of waves, of which it is not told what fills them. */
  readonly series: boolean;
}

/** A model in `gapline serve`, asked over the Open Inference Protocol v2. Its address is part of the configuration, never of a request. */
export class Serve {
  readonly #address: ServeAddress;
  /** As it was when last asked; another promotion is noticed by the answer to a request that names this one. */
  #remote: Promise<RemoteVersion> | undefined;

  constructor(address: ServeAddress) {
    this.#address = address;
  }

  /** @throws {HttpProblem} `model-unavailable` */
  async describe(): Promise<ServedVersion> {
    return (await this.#look()).served;
  }

  #look(): Promise<RemoteVersion> {
    const asked = this.#describe();
    asked.catch(() => {});
    this.#remote = asked;
    return asked;
  }

  /**
   * Uses one version for all of the work, which is repeated where another is promoted meanwhile.
   * @throws {HttpProblem} `model-unavailable`
   */
  async use<T>(work: (remote: RemoteVersion) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const remote = await (this.#remote ?? this.#look()).catch((error: unknown) => {
        this.#remote = undefined;
        throw error;
      });
      try {
        return await work(remote);
      } catch (error) {
        if (!(error instanceof VersionGone)) throw error;
        this.#remote = undefined;
        if (attempt === mostAttempts) throw unavailable(error.message);
      }
    }
  }

  /**
   * Labels rows or windows that stand for themselves, as the embedded gateway does.
   * @throws {HttpProblem} `request-invalid` where they are not those of the model
   */
  async predict(remote: RemoteVersion, input: Input): Promise<Predictions> {
    const predictions: Predictions['predictions'] = [];
    for (const batch of batchesOf(remote, input)) {
      const labelled = await this.#infer(remote, batch).catch((error: unknown) => {
        throw inRequest(error, (at) => batch.places[at] ?? at);
      });
      for (const [at, place] of batch.places.entries()) if (labelled[at]) predictions[place] = labelled[at];
    }
    return { model: remote.served.model, predictions };
  }

  async #describe(): Promise<RemoteVersion> {
    const path = `/v2/models/${encodeURIComponent(this.#address.model)}`;
    const { name, versions, inputs, outputs } = read(metadataSchema, await askServe(this.#address, path));
    const [{ name: input, parameters }, ...others] = inputs;
    const { fields, columns = fields, series, by_row: byRow, rate, window_samples: windowSamples } = parameters;
    const classes = outputs.flatMap((output) => (output.name === 'probabilities' ? output.parameters.classes : []));
    const bySamples = input === 'samples' && others.length > 0;
    if (bySamples && !parameters.columns)
      throw unavailable('it does not name the columns of its model; run the same version of Gapline there');
    const served: ServedVersion = {
      model: { name, version: Number(versions[0]) },
      takes: bySamples && !byRow ? 'windows' : 'rows',
      ...{ fields, rate, windowSamples },
      classes: classes.filter((each) => each !== undefined),
    };
    return { served, columns, series, bySamples };
  }

  /** The labels of a batch, in its order. */
  async #infer(
    { served: { model, classes }, columns: fields, series }: RemoteVersion,
    { places: { length: count }, inputs, parameters, values: own }: TensorBatch,
  ): Promise<Predictions['predictions']> {
    const path = `/v2/models/${encodeURIComponent(model.name)}/versions/${model.version}/infer`;
    const outputs = ['label', 'probabilities', 'filled', ...(own ? [] : ['values'])].map((name) => ({ name }));
    const json = await askServe(this.#address, path, { inputs, parameters, outputs });
    const [label, probabilities, filled, made] = read(responseSchema, json).outputs;
    if (label.data.length !== count || probabilities.data.length !== count * classes.length)
      throw unavailable(`${label.data.length} labels and ${probabilities.data.length} probabilities for ${count} rows`);
    const values = own ?? numbers(made?.data ?? []);
    for (const [name, { length }] of Object.entries({ filled: filled.data, values }))
      if (length !== count * fields.length)
        throw unavailable(`${length} ${name} for ${count} rows of ${fields.length} values`);
    const output = {
      labels: Int32Array.from(label.data, (name) => classes.indexOf(name)),
      probabilities: numbers(probabilities.data),
      filled: numbers(filled.data),
    };
    return Array.from({ length: count }, (_, row) => labelledRow({ fields, classes, series }, { values }, output, row));
  }
}

function* batchesOf(remote: RemoteVersion, { rows, windows, rate }: Input): Generator<TensorBatch> {
  const { served, columns, bySamples } = remote;
  const { takes, fields, classes } = served;
  const perAnswer = 1 + classes.length + 2 * columns.length;
  if (takes === 'rows' && rows && !windows)
    yield* batchesOfRows(readRows({ fields }, rows), { bySamples, rate: served.rate, perAnswer });
  else if (takes === 'windows' && windows && !rows) {
    const known = rateOf(rate, served.rate);
    yield* batchesOfWindows(readSequences(fields, windows), { channels: fields, rate: known, perAnswer });
  } else throw takesOther(takes);
}

const numbers = (data: readonly (number | null)[]) => Float64Array.from(data, (value) => value ?? Number.NaN);

const unavailable = (detail: string): HttpProblem =>
  new HttpProblem('model-unavailable', `the model server does not answer as it should: ${detail}`, { retryAfterS: 5 });

function read<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = validate(schema, json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unavailable(shorten(`${issue?.path.join('.')}: ${issue?.message}`, 300));
}
