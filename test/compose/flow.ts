import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { openMlflow } from '../../core/model/registry/mlflow.ts';
import { archivedBeats, windowsConfig } from '../../examples/ecg/testing/beats.ts';
import { type Stack, secrets, start } from './stack.ts';

const minutes = 60_000;
const soon = { timeout: 10 * minutes, interval: 1_000 };
/** Who runs what the profiles add. */
const users = { spark: 185, 'spark-worker': 185, prefect: 1000, flow: 185 };
const profiles = ['--profile', 'spark', '--profile', 'prefect'];

/** The profiles of the third file, on the stack that runs: the flow of `examples/ecg`. */
export function flowTests(stackOf: () => Stack): void {
  let stack: Stack;
  let prefect: Prefect;
  let registry: ReturnType<typeof openMlflow>;
  beforeAll(async () => {
    stack = stackOf();
    // The flow needs the archive alone, and all cores of a small machine.
    await stack.line('stop', 'generator', 'collector', 'classifier', 'alerts', 'dashboard', 'telegraf');
    await writeFile(join(stack.examples, 'ecg/flow.yaml'), windowsConfig());
    const choice = { MLFLOW_URL: 'http://mlflow:5000', FLOW: 'examples/ecg/flow.yaml' };
    await stack.choose('examples/spambase', { ...secrets, ...choice });
    prefect = new Prefect(stack);
    const url = `http://127.0.0.1:${stack.ports.mlflow}`;
    registry = openMlflow({ name: 'ecg-averaged', alias: 'champion', url, stepsFolder: tmpdir() });
    await stack.archive([...archivedBeats(Date.now() - 10 * minutes)]);
  });

  it('comes up, without root, capabilities and root file systems that can be written', {
    timeout: 20 * minutes,
  }, async () => {
    await stack.mlops(...profiles, 'build', 'spark', 'prefect', 'flow');
    await stack.mlops(...profiles, 'up', '-d', '--wait', ...Object.keys(users));
    for (const [service, user] of Object.entries(users)) {
      const { Config, HostConfig } = await stack.inspect(service);
      expect([service, HostConfig.ReadonlyRootfs, HostConfig.CapDrop]).toEqual([service, true, ['ALL']]);
      expect([service, Config.User]).toEqual([service, `${user}:${user}`]);
    }
    expect((await fetch(`http://127.0.0.1:${stack.ports.prefect}/api/flows/filter`, { method: 'POST' })).status).toBe(
      401,
    );
  });

  it('says that a run was lost whose process was killed, and of which nothing is registered', {
    timeout: 10 * minutes,
  }, async () => {
    const lost = await prefect.start();
    await vi.waitFor(async () => expect(await prefect.state(lost)).toBe('RUNNING'), soon);
    await kill('flow');
    await start(stack, 'flow');
    await prefect.ended(lost, 'CRASHED');
    expect(await registry.versions()).toEqual([]);
  });

  it('goes from the archive to two versions in MLflow, windows cut by Spark, whatever was killed meanwhile; the better serves', {
    timeout: 20 * minutes,
  }, async () => {
    await kill('spark-worker');
    const run = await prefect.start();
    // Until a worker is back, the run has no result that it could report to Prefect.
    await vi.waitFor(async () => expect(await prefect.logs(run)).toContain('has not accepted any resources'), soon);
    await kill('prefect', 'spark');
    for (const service of ['prefect', 'spark', 'spark-worker']) await start(stack, service);
    await prefect.ended(run, 'COMPLETED');
    expect((await spark(stack)).completedapps.map(({ name }) => name)).toContain('gapline-etl');
    expect(await registry.versions()).toEqual([1, 2]);
    const [first, second] = await Promise.all([1, 2].map((version) => registry.manifest(version)));
    expect([first?.estimator.kind, second?.estimator.kind]).toEqual(['forest', 'snapshots']);
    const better = (second?.metrics.f1 ?? Number.NaN) > (first?.metrics.f1 ?? Number.NaN) ? 2 : 1;
    expect(await registry.resolve('champion')).toBe(better);
  });

  const kill = (...services: string[]) => stack.mlops(...profiles, 'kill', ...services);
}

/** What Spark's master knows of workers and applications. */
async function spark(stack: Stack) {
  const answer = await fetch(`http://127.0.0.1:${stack.ports.spark}/json/`);
  type Application = { name: string; state: string };
  return (await answer.json()) as { aliveworkers: number; activeapps: Application[]; completedapps: Application[] };
}

class Prefect {
  readonly #stack: Stack;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  async request(path: string, body?: object) {
    const authorization = `Basic ${Buffer.from(`admin:${secrets.GAPLINE_TOKEN}`).toString('base64')}`;
    const answer = await fetch(`http://127.0.0.1:${this.#stack.ports.prefect}/api${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    // biome-ignore lint/suspicious/noExplicitAny: bodies of every form
    return (await answer.json()) as any;
  }

  /** Asks for a run, as the button of its page does. */
  async start(): Promise<string> {
    const { id } = await this.request('/deployments/name/gapline-ecg/ecg');
    return (await this.request(`/deployments/${id}/create_flow_run`, {})).id;
  }

  /** What the run and its steps said, in order. */
  async logs(run: string): Promise<string> {
    const body = { logs: { flow_run_id: { any_: [run] } }, sort: 'TIMESTAMP_ASC' };
    const lines: { message: string }[] = await this.request('/logs/filter', body);
    return lines.map(({ message }) => message).join('\n');
  }

  /** Waits for the run's end, which is to be that state. */
  async ended(run: string, state: string): Promise<void> {
    const ends = ['COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED'];
    await vi.waitFor(async () => expect(ends).toContain(await this.state(run)), soon);
    expect(await this.state(run), await this.logs(run)).toBe(state);
  }

  async state(run: string): Promise<string> {
    return (await this.request(`/flow_runs/${run}`)).state.type;
  }
}
