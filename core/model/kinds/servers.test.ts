import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import example from '../../../examples/spambase/models/spambase/1/model.json' with { type: 'json' };
import { freePort } from '../../../test/servers/process.ts';
import { describeWithPython } from '../../../test/servers/python.ts';
import type { Manifest } from '../manifest.ts';
import { openArtifact } from '../open.ts';
import type { Rows } from '../rows.ts';
import { type HttpEstimator, httpEstimatorSchema } from './http-schema.ts';

// Real model servers in Python: one of 40 lines with scikit-learn, and MLflow's own.

const fixtures = join(import.meta.dirname, 'fixtures');
const train = resolve(import.meta.dirname, '../../../examples/spambase/data/train.csv');
const { fields, classes, selfTest, imputer } = example as unknown as Manifest;

/** The six rows of the example's self-test without gaps, then the same with gaps. */
const whole = selfTest.values.slice(0, 6);
const truths = selfTest.labels.slice(0, 6);

function rowsOf(values: readonly (readonly (number | null)[])[]): Rows {
  return {
    count: values.length,
    width: fields.length,
    values: Float64Array.from(values.flat(), (value) => value ?? Number.NaN),
    devices: values.map((_, row) => `device ${row}`),
    times: new BigInt64Array(values.length),
  };
}

const modelOf = (server: Partial<HttpEstimator>, filling: Manifest['imputer'] = imputer) =>
  openArtifact({
    parts: {
      fields,
      classes,
      imputer: filling,
      estimator: httpEstimatorSchema.parse({ kind: 'http', timeoutMs: 60_000, ...server }),
    },
  });

let child: ChildProcess | undefined;
async function stop(): Promise<void> {
  if (child?.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

describeWithPython('scikitLearn', 'a server of the Open Inference Protocol in Python', (python) => {
  let url = '';
  beforeAll(async () => {
    child = spawn(python(), [join(fixtures, 'v2_server.py'), train], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(createInterface({ input: child.stdout! }), 'line');
    url = `http://127.0.0.1:${port}`;
  }, 120_000);
  afterAll(stop);

  it('labels rows, filled here', async () => {
    const model = await modelOf({ url, model: 'spambase' });
    const { labels, filled } = await model.open().predict(rowsOf(selfTest.values));
    expect([...labels.subarray(0, 6)]).toEqual(truths);
    expect(filled.some(Number.isNaN)).toBe(false);
  });

  it('takes gaps itself', async () => {
    const model = await modelOf({ url, model: 'spambase' }, { kind: 'passthrough' });
    const { labels, filled } = await model.open().predict(rowsOf(selfTest.values));
    expect([...labels.subarray(0, 6)]).toEqual(truths);
    expect(filled.some(Number.isNaN)).toBe(true);
  });

  it('has no such model, which is retried', async () => {
    const model = await modelOf({ url, model: 'other', retries: 0 });
    const pending = Promise.resolve(model.open().predict(rowsOf(whole)));
    await expect(pending).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/404.*no such model/),
    });
  });
});

describeWithPython('mlflow', 'mlflow models serve', (python) => {
  let folder = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gapline-mlflow-'));
    const writing = spawn(python(), [join(fixtures, 'mlflow_model.py'), train, folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = await once(writing, 'exit');
    expect(code).toBe(0);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['predict_proba', 'predict'])('labels rows with %s', { timeout: 300_000 }, async (name) => {
    const port = await freePort();
    const args = [
      '-m',
      'mlflow',
      'models',
      'serve',
      '-m',
      join(folder, name),
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '--env-manager',
      'local',
    ];
    const env = {
      ...process.env,
      PATH: `${join(python(), '..')}:${process.env.PATH}`,
      MLFLOW_SCORING_SERVER_WORKERS: '1',
    };
    // It writes an empty mlflow.db into its working directory.
    child = spawn(python(), args, { stdio: ['ignore', 'ignore', 'pipe'], env, cwd: folder, detached: true });
    const ended = once(child, 'exit');
    let log = '';
    child.stderr!.on('data', (data) => {
      log = `${log}${data}`.slice(-2_000);
    });
    const url = `http://127.0.0.1:${port}`;
    try {
      const responds = vi.waitFor(async () => expect((await fetch(`${url}/ping`)).status).toBe(200), {
        timeout: 240_000,
        interval: 250,
      });
      await Promise.race([responds, ended.then(() => Promise.reject(new Error(`MLflow ended: ${log}`)))]);
      const model = await modelOf({ url, protocol: 'mlflow' });
      const { labels, probabilities } = await model.open().predict(rowsOf(selfTest.values));
      expect([...labels.subarray(0, 6)]).toEqual(truths);
      const certain = probabilities.every((share) => share === 0 || share === 1);
      expect(certain).toBe(name === 'predict');
    } finally {
      // Its workers are a group of their own.
      if (child.exitCode === null) process.kill(-child.pid!, 'SIGTERM');
      await ended;
    }
  });
});
