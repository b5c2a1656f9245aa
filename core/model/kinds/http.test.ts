import { afterEach, describe, expect, it } from 'vitest';
import { Breaker } from './breaker.ts';
import { openHttp } from './http.ts';
import { httpEstimatorSchema } from './http-schema.ts';
import { type Handler, respond, rowsOfV2, startServer, type TestServer } from './testing.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

const values = Float64Array.of(1, 2, 3, Number.NaN, 5, 6);
const fields = ['a', 'b;', 'c'];
const classes = ['ham', 'spam'];

/** An estimator of a server that responds so. */
async function serving(handler: Handler, options: Record<string, unknown> = {}) {
  const server = await startServer(handler);
  servers.push(server);
  const description = httpEstimatorSchema.parse({ kind: 'http', url: server.url, retries: 0, ...options });
  return { server, estimator: openHttp({ server: description, fields, classes, retryAfterMs: 1, restMs: 60_000 }) };
}

const shares = [0.9, 0.1, 0.25, 0.75];
const tensor = (shape: number[], data: unknown[], name = 'probabilities') => ({ name, shape, datatype: 'FP64', data });
const v2 =
  (...outputs: unknown[]): Handler =>
  (_request, _body, response) =>
    respond(response, { model_name: 'm', outputs });
const mlflow =
  (predictions: unknown): Handler =>
  (_request, _body, response) =>
    respond(response, { predictions });

const expected = { labels: Int32Array.of(0, 1), probabilities: Float64Array.from(shares) };
const certain = { labels: Int32Array.of(0, 1), probabilities: Float64Array.of(1, 0, 0, 1) };

describe('a server that takes no large body', () => {
  const limited =
    (most: number): Handler =>
    (_request, body, response) => {
      const { count } = rowsOfV2(body);
      if (count > most) respond(response, { error: 'at most\u001b[31m some rows' }, 413);
      else
        respond(response, { outputs: [tensor([count, 2], Array.from({ length: count }, () => [0.25, 0.75]).flat())] });
    };

  it('gets half as many rows until it takes them, and no more from then on', async () => {
    const { server, estimator } = await serving(limited(3));
    const many = Float64Array.from({ length: 60 }, (_, at) => at);
    const { labels } = await estimator.predict(many, 20);
    expect([...labels]).toEqual(new Array(20).fill(1));
    const counts = server.bodies.map((body) => rowsOfV2(body).count);
    expect(counts.slice(0, 4)).toEqual([20, 10, 5, 3]);
    expect(Math.max(...counts.slice(3))).toBe(3);
    expect((await estimator.predict(many, 20)).labels).toHaveLength(20);
    expect(server.bodies.slice(counts.length).map((body) => rowsOfV2(body).count)).toEqual([3, 3, 3, 3, 3, 3, 2]);
  });

  it('is quoted where it does not take one row', async () => {
    const { estimator } = await serving(limited(0));
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({
      code: 'model-invalid',
      retryable: false,
      message: expect.stringMatching(/refused the rows with 413: "at most/),
    });
  });

  it('a response that nests without end is refused', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const { estimator } = await serving((_request, _body, response) => {
      response.writeHead(200).end(`{"outputs":[{"name":"p","shape":[2,2],"data":[1,0,1,${deep}]}]}`);
    });
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({ code: 'model-unavailable' });
  });
});

describe('the Open Inference Protocol', () => {
  it('gets a tensor of rows, gaps as null, at the path of the model', async () => {
    const paths: (string | undefined)[] = [];
    const { server, estimator } = await serving(
      (request, _body, response) => {
        paths.push(request.url);
        respond(response, { outputs: [tensor([2, 2], shares)] });
      },
      { model: 'a model' },
    );
    await estimator.predict(values, 2);
    expect(paths).toEqual(['/v2/models/a%20model/infer']);
    expect(JSON.parse(server.bodies[0]!)).toEqual({
      inputs: [{ name: 'input', shape: [2, 3], datatype: 'FP64', data: [1, 2, 3, null, 5, 6] }],
    });
  });

  it.each<[string, Handler, typeof expected]>([
    ['probabilities', v2(tensor([2, 2], shares)), expected],
    [
      'nested probabilities',
      v2(
        tensor(
          [2, 2],
          [
            [0.9, 0.1],
            [0.25, 0.75],
          ],
        ),
      ),
      expected,
    ],
    ['labels and probabilities', v2(tensor([2], ['ham', 'spam'], 'label'), tensor([2, 2], shares)), expected],
    ['labels alone', v2(tensor([2], ['ham', 'spam'], 'label')), certain],
    ['labels as a column', v2(tensor([2, 1], ['ham', 'spam'])), certain],
  ])('understands %s', async (_, handler, output) => {
    const { estimator } = await serving(handler);
    expect(await estimator.predict(values, 2)).toEqual(output);
  });

  it('takes the output that is named', async () => {
    const outputs = [tensor([2, 2], [1, 0, 1, 0], 'other'), tensor([2, 2], shares, 'wanted')];
    const { estimator } = await serving(v2(...outputs), { output: 'wanted' });
    expect(await estimator.predict(values, 2)).toEqual(expected);
  });

  it('cuts rows into batches', async () => {
    const { server, estimator } = await serving(
      (_request, body, response) => {
        const rows = rowsOfV2(body);
        const data = Array.from({ length: rows.count }, (_, row) => [
          rows.values[row * 3]! / 10,
          1 - rows.values[row * 3]! / 10,
        ]);
        respond(response, { outputs: [tensor([rows.count, 2], data)] });
      },
      { batch: 2 },
    );
    const five = Float64Array.from({ length: 15 }, (_, at) => Math.floor(at / 3) + 1);
    const { probabilities } = await estimator.predict(five, 5);
    expect([...probabilities].filter((_, at) => at % 2 === 0)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(server.bodies.map((body) => rowsOfV2(body).count)).toEqual([2, 2, 1]);
  });
});

describe('MLflow', () => {
  it('gets a data frame', async () => {
    const { server, estimator } = await serving(mlflow(['ham', 'spam']), { protocol: 'mlflow' });
    expect(await estimator.predict(values, 2)).toEqual(certain);
    expect(JSON.parse(server.bodies[0]!)).toEqual({
      dataframe_split: {
        columns: fields,
        data: [
          [1, 2, 3],
          [null, 5, 6],
        ],
      },
    });
  });

  it.each<[string, unknown, typeof expected]>([
    [
      'probabilities',
      [
        [0.9, 0.1],
        [0.25, 0.75],
      ],
      expected,
    ],
    [
      'a data frame by class',
      [
        { spam: 0.1, ham: 0.9 },
        { spam: 0.75, ham: 0.25 },
      ],
      expected,
    ],
    [
      'a data frame by number',
      [
        { 0: 0.9, 1: 0.1 },
        { 0: 0.25, 1: 0.75 },
      ],
      expected,
    ],
  ])('may respond with %s', async (_, predictions, output) => {
    const { estimator } = await serving(mlflow(predictions), { protocol: 'mlflow' });
    expect(await estimator.predict(values, 2)).toEqual(output);
  });

  it('may have numbers as labels', async () => {
    const { url } = (await serving(mlflow([1, 0]))).server;
    const server = httpEstimatorSchema.parse({ kind: 'http', url, protocol: 'mlflow' });
    const { labels } = await openHttp({ server, fields, classes: ['0', '1'] }).predict(values, 2);
    expect([...labels]).toEqual([1, 0]);
  });
});

describe('a response that cannot be used', () => {
  it.each<[string, Handler, RegExp]>([
    ['is no JSON', (_q, _b, response) => void response.end('<html>'), /what is no JSON: "/],
    ['has no outputs', v2(), /no tensor, where \[2, 2\] or \[2\] was wanted/],
    ['has too few rows', v2(tensor([1, 2], [1, 0])), /\[1, 2\], where \[2, 2\]/],
    ['has other classes', v2(tensor([2, 3], [1, 0, 0, 1, 0, 0])), /\[2, 3\], where \[2, 2\]/],
    ['has a label that nobody knows', v2(tensor([2], ['ham', 'eggs'])), /the label "eggs", which is none of ham, spam/],
    ['has gaps in its probabilities', v2(tensor([2, 2], [1, null, 0, 1])), /null as a probability/],
    ['has probabilities above one', v2(tensor([2, 2], [2, -1, 0, 1])), /2 as a probability/],
    ['has scores instead', v2(tensor([2, 2], [0.9, 0.9, 0.1, 0.9])), /probabilities that sum to 1\.800/],
  ])('because it %s', async (_, handler, message) => {
    const { estimator } = await serving(handler);
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({
      code: 'model-unavailable',
      retryable: true,
      message: expect.stringMatching(message),
    });
  });
});

describe('trouble', () => {
  it.each([429, 500, 502, 503])('of status %i is tried again', async (status) => {
    let times = 0;
    const { estimator } = await serving(
      (_request, _body, response) =>
        ++times < 3 ? respond(response, {}, status) : respond(response, { outputs: [tensor([2, 2], shares)] }),
      { retries: 2 },
    );
    expect(await estimator.predict(values, 2)).toEqual(expected);
    expect(times).toBe(3);
  });

  it.each([401, 403, 404, 405])('of status %i, which is not the rows’ fault, is waited out', async (status) => {
    const { estimator } = await serving((_request, _body, response) =>
      respond(response, { error: 'no such model' }, status),
    );
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(`responded with ${status}: .*no such model`),
    });
  });

  it.each([400, 422])('of status %i is the rows’ fault, for good, and not tried again', async (status) => {
    const { server, estimator } = await serving((_q, _b, response) => respond(response, { error: 'bad row' }, status), {
      retries: 3,
    });
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/bad row/),
    });
    expect(server.bodies).toHaveLength(1);
  });

  it('of a server that does not respond ends with the time-out', async () => {
    const { estimator } = await serving(() => {}, { timeoutMs: 30 });
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/within 30 ms/),
    });
  });

  it('of a connection cut in the middle of the response is waited out', async () => {
    const { estimator } = await serving((_request, _body, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"outputs":');
      setImmediate(() => response.destroy());
    });
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({ code: 'model-unavailable', retryable: true });
  });

  it('of a server that is not there is waited out', async () => {
    const { server, estimator } = await serving(v2());
    await server.stop();
    servers.pop();
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/cannot be reached/),
    });
  });

  it('of a redirect is not followed', async () => {
    const { estimator } = await serving(
      (_q, _b, response) => void response.writeHead(307, { location: '/elsewhere' }).end(),
    );
    await expect(estimator.predict(values, 2)).rejects.toMatchObject({ code: 'model-unavailable' });
  });

  it('ends at once when the model is closed', async () => {
    const { estimator } = await serving(() => {}, { timeoutMs: 60_000, retries: 5 });
    const pending = estimator.predict(values, 2);
    await estimator.close();
    await expect(pending).rejects.toMatchObject({ code: 'model-unavailable' });
  });
});

describe('the circuit breaker', () => {
  const { signal } = new AbortController();

  /** A breaker on a clock of the test's own, and a call that fails on demand. */
  function withClock() {
    const state = { nowMs: 0, failing: true, calls: 0 };
    const breaker = new Breaker({ retries: 0, retryAfterMs: 1, maxFailures: 3, restMs: 1_000, now: () => state.nowMs });
    const call = () =>
      breaker.run(async () => {
        state.calls += 1;
        if (state.failing) throw new Error('down');
        return 'up';
      }, signal);
    return { state, call };
  }

  it('leaves a server alone after failures in a row, then lets one call through', async () => {
    const { state, call } = withClock();
    for (let times = 0; times < 3; times++) await expect(call()).rejects.toThrow('down');
    await expect(call()).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/failed 3 times in a row .* 1 s/),
    });
    expect(state.calls).toBe(3);
    state.nowMs = 1_000;
    await expect(call()).rejects.toThrow('down');
    await expect(call()).rejects.toThrow(/left alone/);
    expect(state.calls).toBe(4);
    state.nowMs = 2_000;
    state.failing = false;
    expect(await call()).toBe('up');
    expect(await call()).toBe('up');
    expect(state.calls).toBe(6);
  });

  it('forgets failures at the first success', async () => {
    const { state, call } = withClock();
    for (let round = 0; round < 3; round++) {
      state.failing = true;
      for (let times = 0; times < 2; times++) await expect(call()).rejects.toThrow('down');
      state.failing = false;
      expect(await call()).toBe('up');
    }
  });
});
