import { beforeAll, expect, it, vi } from 'vitest';
import { bucket, type Stack, secrets, start } from './stack.ts';

const minutes = 60_000;
const soon = { timeout: 3 * minutes, interval: 1_000 };

/** The third file on the stack that runs: each part comes up, is killed, is missed by name, and comes back. */
export function mlopsTests(stackOf: () => Stack): void {
  let stack: Stack;
  let gateway: Gateway;
  beforeAll(async () => {
    stack = stackOf();
    await stack.choose('examples/spambase', { ...secrets, MLFLOW_URL: 'http://mlflow:5000' });
    gateway = new Gateway(stack);
  });

  it('starts with no secret of its own: each is asked for by name', async () => {
    const names = Object.keys(secrets);
    for (const missing of names) {
      const others = Object.fromEntries(Object.entries(secrets).filter(([name]) => name !== missing));
      await stack.choose('examples/spambase', others);
      await expect(stack.mlops('config', '-q')).rejects.toThrow(missing);
    }
    await stack.choose('examples/spambase', { ...secrets, MLFLOW_URL: 'http://mlflow:5000' });
  });

  it('comes up with a first version, which the line, the model server and the gateway take from MLflow', async () => {
    await stack.mlops('build');
    await stack.mlops('up', '-d', '--wait');
    await stack.line('up', '-d', '--wait');
    await gateway.signIn();
    expect(await gateway.versions()).toEqual([1]);
    const sample = (await gateway.request('/predict/sample?row=0')).body;
    const { status, body } = await gateway.predict();
    expect({ status, ...body }).toEqual({
      ...{ status: 200, model: { name: 'spambase', version: 1 }, predictions: [sample.prediction] },
    });
    expect(sample).toMatchObject({ truth: expect.any(String), model: { version: 1 } });
    await newLabels(stack, 1);
    await stack.mlops('up', '-d', '--wait');
    expect(await gateway.versions()).toEqual([1]);
  });

  it('runs without root, capabilities and a root file system that can be written', async () => {
    for (const service of ['mlflow', 'object-storage', 'serve', 'gateway']) {
      const { Config, HostConfig } = await stack.inspect(service);
      expect([service, HostConfig.ReadonlyRootfs, HostConfig.CapDrop]).toEqual([service, true, ['ALL']]);
      expect(['node', '1000:1000']).toContain(Config.User);
    }
  });

  it('labels on while MLflow is killed, says so, and follows it again', async () => {
    expect(await registryUp(stack)).toBe('1');
    await stack.mlops('kill', 'mlflow');
    await vi.waitFor(async () => expect(await registryUp(stack)).toBe('0'), soon);
    expect((await gateway.predict()).status).toBe(200);
    expect(await gateway.request('/models')).toMatchObject({ status: 503, body: { code: 'registry-unavailable' } });
    await newLabels(stack, 1);
    await start(stack, 'mlflow');
    await vi.waitFor(async () => expect(await registryUp(stack)).toBe('1'), soon);
    await vi.waitFor(async () => expect(await gateway.versions()).toEqual([1]), soon);
  });

  it('makes one version of a training whose gateway was killed, and serves it when it is promoted', async () => {
    const { body } = await gateway.request('/train', { hyperparameters: { trees: 1_000 } });
    await vi.waitFor(async () => expect((await gateway.task(body.id)).state).not.toBe('queued'), soon);
    await stack.mlops('kill', 'gateway');
    await start(stack, 'gateway');
    await vi.waitFor(async () => expect((await gateway.task(body.id)).state).toBe('done'), soon);
    expect(await gateway.versions()).toEqual([1, 2]);
    await point(stack, 2);
    await vi.waitFor(async () => expect((await gateway.predict()).body.model?.version).toBe(2), soon);
    await newLabels(stack, 2);
  });

  it('has a version that a run of compose trained into MLflow', async () => {
    expect(await stack.line('run', '--rm', 'train')).toContain('spambase version 3 in http://mlflow:5000/');
    expect(await gateway.versions()).toEqual([1, 2, 3]);
  });

  it('says that the model server is unavailable, and asks it again', async () => {
    await stack.mlops('kill', 'serve');
    expect(await gateway.predict()).toMatchObject({
      ...{ status: 503, body: { code: 'model-unavailable' } },
    });
    await start(stack, 'serve');
    await vi.waitFor(async () => expect((await gateway.predict()).status).toBe(200), soon);
  });

  it('exports to object storage, says when that is unavailable, and continues', async () => {
    // With what it depends on, Compose would start the storage first.
    const run = () => stack.mlops('run', '--rm', '--no-deps', 'export');
    await stack.mlops('kill', 'object-storage');
    await expect(run()).rejects.toThrow('storage-unavailable');
    await start(stack, 'object-storage');
    expect(await run()).toMatch(/[1-9]\d* objects written/);
    expect(await run()).toContain('readings in');
  });
}

/** Waits for labels of a version that were made after now. */
async function newLabels(stack: Stack, version: number): Promise<void> {
  const since = new Date().toISOString();
  await vi.waitFor(async () => {
    const found = await stack.query(`from(bucket: "${bucket}") |> range(start: ${since})
      |> filter(fn: (r) => r._measurement == "spambase.predictions" and r._field == "version")
      |> keep(columns: ["_value"]) |> distinct()`);
    expect(found.map((each) => Number(each._value))).toContain(version);
  }, soon);
}

/** Whether the classifier reaches MLflow, as its metrics have it. */
async function registryUp(stack: Stack): Promise<string | undefined> {
  const script = "fetch('http://127.0.0.1:8080/metrics').then((answer) => answer.text()).then(console.log)";
  const metrics = await stack.line('exec', '-T', 'classifier', 'node', '-e', script);
  return metrics.match(/^gapline_classifier_registry_up(?:\{.*\})? (\d)/m)?.[1];
}

/** Moves the alias as somebody does on MLflow's page. */
async function point(stack: Stack, version: number): Promise<void> {
  const url = `http://127.0.0.1:${stack.ports.mlflow}/api/2.0/mlflow/registered-models/alias`;
  const body = JSON.stringify({ name: 'spambase', alias: 'champion', version: String(version) });
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  expect([answer.status, await answer.text()]).toEqual([200, '{}']);
}

class Gateway {
  readonly #stack: Stack;
  #token = '';
  #row: object | undefined;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** With the password that the first start printed. */
  async signIn(): Promise<void> {
    const printed = await this.#stack.mlops('logs', '--no-log-prefix', 'gateway');
    const password = printed.match(/first administrator: admin, password (\S+)/)?.[1] ?? '';
    expect(password.length).toBeGreaterThan(15);
    const answer = await fetch(`${this.#url}/auth/jwt/login`, {
      ...{ method: 'POST', body: new URLSearchParams({ username: 'admin', password }) },
    });
    expect(answer.status).toBe(200);
    this.#token = ((await answer.json()) as { access_token: string }).access_token;
  }

  async request(path: string, body?: object) {
    const answer = await fetch(this.#url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: bodies of every form
    return { status: answer.status, body: (await answer.json()) as any };
  }

  /** The label of a row of the test data, sent as a client sends one. */
  async predict() {
    this.#row ??= (await this.request('/predict/sample?row=0')).body.values as object;
    return await this.request('/predict', { rows: [this.#row] });
  }

  async task(id: string) {
    return (await this.request(`/tasks/${id}`)).body;
  }

  async versions(): Promise<number[]> {
    return (await this.request('/models')).body.versions.map((each: { version: number }) => each.version);
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#stack.ports.gateway}`;
  }
}
