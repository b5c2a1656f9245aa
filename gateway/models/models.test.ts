import { expect, test } from 'vitest';
import type { Model } from '../../core/model/model.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { roles } from '../rights/table.ts';
import { TestGateway, temporaryFolder } from '../testing/gateway.ts';
import { makeStream } from '../testing/stream.ts';

async function scene(versions?: readonly number[]) {
  const folder = temporaryFolder();
  const streams = [await makeStream(folder, 'pumps', versions), await makeStream(folder, 'motors', [])];
  const gateway = await new TestGateway({ streams }).start();
  const models = streams[0]?.models;
  if (!models) throw new Error('there is no stream');
  return { gateway, token: await gateway.admin(), models };
}

const stream = 'pumps';

test('rows by name and in order get labels; a row of unknown fields or of another length is refused', async () => {
  const { gateway, token } = await scene();
  const predict = (rows: unknown) => gateway.request('/predict', { token, body: { stream, rows } });
  const { status, body } = await predict([{ temperature: 0.1, noise: 1 }, [0.9, 2], { temperature: 0.9, noise: null }]);
  expect(status).toBe(200);
  expect(body.model).toEqual({ name: 'pumps', version: 1 });
  expect(body.predictions).toMatchObject([
    { label: 'cold', gaps: 0, filled: {} },
    { label: 'warm', gaps: 0 },
    { label: 'warm', gaps: 1, filled: { noise: expect.any(Number) } },
  ]);
  for (const [rows, pointer] of [
    [[{ temperature: 1, wrong: 2 }], '/rows/0/wrong'],
    [[[1, 2], [1]], '/rows/1'],
    [[{ temperature: 'warm' }], '/rows/0'],
    [[], '/rows'],
  ] as const)
    expect(await predict(rows)).toMatchObject({
      status: 400,
      body: { code: 'request-invalid', errors: [{ pointer }] },
    });
});

test('a row of the test data comes with its truth and its label', async () => {
  const { gateway, token } = await scene();
  const chosen = await gateway.request(`/predict/sample?stream=${stream}&row=59`, { token });
  expect(chosen.body).toMatchObject({ row: 59, truth: 'warm', prediction: { label: 'warm' }, model: { version: 1 } });
  expect(Object.keys(chosen.body.values)).toEqual(['temperature', 'noise']);
  expect((await gateway.request(`/predict/sample?stream=${stream}`, { token })).status).toBe(200);
  expect((await gateway.request(`/predict/sample?stream=${stream}&row=60`, { token })).status).toBe(404);
  for (const row of ['', '1e1', '-1', '0x1', '1.5', ' 1'])
    expect((await gateway.request(`/predict/sample?stream=${stream}&row=${row}`, { token })).status, row).toBe(400);
});

test('many rows become a task, whose result has all labels', async () => {
  const { gateway, token } = await scene();
  const rows = Array.from({ length: 1_001 }, (_, row) => [row < 600 ? 0.1 : 0.9, 1]);
  const { status, body, headers } = await gateway.request('/predict', { token, body: { stream, rows } });
  expect({ status, location: headers.get('location') }).toEqual({ status: 202, location: `/tasks/${body.id}` });
  const task = async () => (await gateway.request(`/tasks/${body.id}`, { token })).body;
  await expect.poll(async () => (await task()).state, { timeout: 30_000 }).toBe('done');
  const { result } = await task();
  expect(result.predictions).toHaveLength(1_001);
  expect([result.predictions[599].label, result.predictions[600].label]).toEqual(['cold', 'warm']);
});

test('a gateway of several streams wants to know which; one without a model says how to get one', async () => {
  const { gateway, token } = await scene();
  const rows = [[1, 2]];
  const unnamed = await gateway.request('/predict', { token, body: { rows } });
  expect(unnamed).toMatchObject({ status: 400, body: { errors: [{ pointer: '/stream', code: 'missing' }] } });
  const untrained = await gateway.request('/predict', { token, body: { stream: 'motors', rows } });
  expect(untrained).toMatchObject({
    status: 404,
    body: { code: 'not-found', detail: expect.stringContaining('/train') },
  });
  expect((await gateway.request('/predict', { token, body: { stream: 'none', rows } })).status).toBe(404);
});

test.each(['../pumps', '..', 'pumps/../../etc', '%2e%2e', 'pumps\u0000', '*'])(
  'no stream or model is reached by the name %j',
  async (name) => {
    const { gateway, token } = await scene();
    const named = encodeURIComponent(name);
    for (const [path, body] of [
      [`/models?stream=${named}`, undefined],
      [`/predict/sample?stream=${named}`, undefined],
      ['/predict', { stream: name, rows: [[1, 2]] }],
      ['/train', { stream: name }],
      ['/update', { stream: name }],
      ['/train', { stream, hyperparameters: { folder: name } }],
    ] as const)
      expect(await gateway.request(path, { token, ...(body && { body }) })).toMatchObject({ status: 400 });
    expect([404, 405]).toContain((await gateway.request(`/tasks/${named}`, { token })).status);
  },
);

test('the best version by a metric serves, the one before is kept, and a dry run changes nothing', async () => {
  const { gateway, token, models } = await scene([0, 30]);
  await models.point('champion', 2);
  const { body: listed } = await gateway.request(`/models?stream=${stream}`, { token });
  expect(listed.versions).toMatchObject([
    { version: 1, aliases: [], on: 'holdout', task: null },
    { version: 2, aliases: ['champion'] },
  ]);
  expect(listed.versions[0].f1).toBeGreaterThan(listed.versions[1].f1);
  const update = (dryRun: boolean) => gateway.request('/update', { token, body: { stream, metric: 'f1', dryRun } });
  expect(await update(true)).toMatchObject({ status: 200, body: { from: 2, to: 1, dryRun: true } });
  expect(await models.resolve('champion')).toBe(2);
  expect((await update(false)).body).toMatchObject({ from: 2, to: 1, dryRun: false });
  expect([await models.resolve('champion'), await models.resolve('previous')]).toEqual([1, 2]);
  expect((await models.history()).at(-1)).toMatchObject({ from: 2, to: 1, who: 'admin', by: 'update by f1' });
  const status = async () => (await gateway.request('/status', { token })).body.streams[0].model;
  await expect.poll(status, { timeout: 30_000 }).toEqual({ name: 'pumps', version: 1 });
  expect((await update(false)).body).toMatchObject({ from: 1, to: 1 });
});

test('a registry that does not respond is told with its code and without its address', async () => {
  const pumps = await makeStream(temporaryFolder(), 'pumps', []);
  const unavailable = () =>
    Promise.reject(new GaplineError('registry-unavailable', 'http://mlflow.internal:5000 cannot be reached'));
  const models = {
    ...pumps.models,
    versions: unavailable,
    aliases: unavailable,
    current: unavailable,
    resolve: unavailable,
  };
  const gateway = await new TestGateway({ streams: [{ ...pumps, models }] }).start();
  const token = await gateway.admin();
  for (const [path, body] of [
    ['/models', undefined],
    ['/predict', { rows: [[1, 2]] }],
    ['/update', {}],
  ] as const) {
    const answer = await gateway.request(path, { token, ...(body && { body }) });
    expect(answer).toMatchObject({ status: 503, body: { code: 'registry-unavailable' } });
    expect(JSON.stringify(answer.body)).not.toContain('mlflow.internal');
    expect(answer.headers.get('retry-after')).toBe('5');
  }
});

test('figures are measured anew on the test data: what a version states of itself does not decide', async () => {
  const { gateway, token, models } = await scene([0, 30]);
  const { manifest, files } = await models.artifact(2);
  // As right as version 2, which learnt half of its labels wrong; it states that it is never wrong.
  await models.publish({ files, manifest: { ...manifest, metrics: { ...manifest.metrics, accuracy: 1, f1: 1 } } });
  const { body } = await gateway.request('/update', { token, body: { stream, dryRun: true } });
  expect(body).toMatchObject({ to: 1, by: 'test', dryRun: true });
  const [first, second, third] = body.versions;
  expect(third).toMatchObject({ version: 3, f1: 1, refused: null, checked: second.checked });
  expect(first.checked.f1).toBeGreaterThan(third.checked.f1);
  expect(first.checked.rows).toBe(60);
});

test('without test data apart, what versions state decides, and the answer says so; one that cannot be used is left out', async () => {
  const folder = temporaryFolder();
  const [pumps, motors] = [await makeStream(folder, 'pumps', [0, 30]), await makeStream(folder, 'motors', [0, 30])];
  const { testRows } = motors;
  const streams = [
    { ...pumps, testIsApart: false },
    {
      ...motors,
      testRows: async (model: Model) => {
        if (model.identity.version === 1) throw new GaplineError('data-invalid', 'it has other fields');
        return await testRows(model);
      },
    },
  ];
  const gateway = await new TestGateway({ streams }).start();
  const token = await gateway.admin();
  const update = (named: string) => gateway.request('/update', { token, body: { stream: named, dryRun: true } });
  const stored = await update('pumps');
  expect(stored.body).toMatchObject({ to: 1, by: 'stored', versions: [{ checked: null }, { checked: null }] });
  const { body } = await update('motors');
  expect(body).toMatchObject({ to: 2, versions: [{ refused: 'it has other fields' }, { refused: null }] });
});

test('options that do not go together are refused before a task is made', async () => {
  const { gateway, token } = await scene();
  const train = (hyperparameters: object) => gateway.request('/train', { token, body: { stream, hyperparameters } });
  expect(await train({ trees: 13 })).toMatchObject({ status: 400, body: { detail: expect.stringContaining('luck') } });
  expect(await train({ trees: 0 })).toMatchObject({ status: 400 });
  expect(await train({ tree: 5 })).toMatchObject({ status: 400 });
  expect((await gateway.request('/tasks', { token })).body.tasks).toEqual([]);
});

test('a training whose process ends again and again fails with the reason', async () => {
  const { gateway, token } = await scene();
  const { status, body } = await gateway.request('/train', { token, body: { stream } });
  expect(status).toBe(202);
  const task = async () => (await gateway.request(`/tasks/${body.id}`, { token })).body;
  await expect.poll(async () => (await task()).state, { timeout: 30_000 }).toBe('failed');
  expect(await task()).toMatchObject({ attempts: 3, reason: expect.stringContaining('code 3'), user: 'admin' });
  expect(await gateway.request(`/tasks/${body.id}/cancel`, { method: 'POST', token })).toMatchObject({
    status: 409,
    body: { code: 'task-ended' },
  });
});

const cells = [
  { least: 'viewer', method: 'GET', path: '/status', right: 200 },
  { least: 'viewer', method: 'GET', path: '/models?stream=pumps', right: 200 },
  { least: 'viewer', method: 'GET', path: '/predict/sample?stream=pumps', right: 200 },
  { least: 'user', method: 'POST', path: '/predict', body: { stream, rows: [[1, 2]] }, right: 200 },
  { least: 'user', method: 'GET', path: '/tasks', right: 200 },
  { least: 'operator', method: 'POST', path: '/train', body: { stream }, right: 202 },
  // This stream names no generator.
  { least: 'operator', method: 'GET', path: '/simulate?stream=pumps', right: 404 },
  { least: 'operator', method: 'POST', path: '/simulate', body: { stream, running: true }, right: 404 },
  { least: 'admin', method: 'POST', path: '/update', body: { stream, dryRun: true }, right: 200 },
] as const;

test('over HTTP, each role may do what the table says, for its own stream only', async () => {
  const { gateway } = await scene();
  for (const role of roles) {
    const [own, other] = [
      await gateway.user(`${role}-own`, [{ role, stream }]),
      await gateway.user(`${role}-other`, [{ role, stream: 'motors' }]),
    ];
    for (const { least, method, path, right, ...rest } of cells) {
      const has = roles.indexOf(role) >= roles.indexOf(least);
      const name = `${role}: ${method} ${path}`;
      const asOwn = await gateway.request(path, { method, token: own, ...rest });
      expect({ name, status: asOwn.status }).toEqual({ name, status: has ? right : 403 });
      if (!has) expect(asOwn.body).toMatchObject({ code: 'right-missing', status: 403 });
      if (path === '/status' || path === '/tasks') continue;
      const asOther = await gateway.request(path, { method, token: other, ...rest });
      expect({ name, code: asOther.body.code }).toEqual({ name, code: 'right-missing' });
    }
    expect((await gateway.request('/status', { token: other })).body.streams).toMatchObject([{ stream: 'motors' }]);
  }
});

test('a user sees and cancels own tasks, an operator all of the stream, and nobody those of another stream', async () => {
  const { gateway } = await scene();
  const rows = Array.from({ length: 1_001 }, () => [0.1, 1]);
  const ann = await gateway.user('ann', [{ role: 'user', stream }]);
  const { body } = await gateway.request('/predict', { token: ann, body: { stream, rows } });
  const look = async (token: string) => {
    const shown = await gateway.request(`/tasks/${body.id}`, { token });
    const cancelled = await gateway.request(`/tasks/${body.id}/cancel`, { method: 'POST', token });
    const listed = (await gateway.request('/tasks', { token })).body.tasks ?? [];
    // A task that is over cannot be cancelled, which is another answer than that nobody may.
    return { shown: shown.status, refused: cancelled.status === 403, listed: listed.length };
  };
  const ben = await gateway.user('ben', [{ role: 'user', stream }]);
  expect(await look(ben)).toEqual({ shown: 403, refused: true, listed: 0 });
  const motors = await gateway.user('mo', [{ role: 'admin', stream: 'motors' }]);
  expect(await look(motors)).toEqual({ shown: 403, refused: true, listed: 0 });
  const viewer = await gateway.user('vic', [{ role: 'viewer', stream: '*' }]);
  expect(await look(viewer)).toEqual({ shown: 403, refused: true, listed: 0 });
  expect(await look(ann)).toEqual({ shown: 200, refused: false, listed: 1 });
  const operator = await gateway.user('oz', [{ role: 'operator', stream }]);
  expect(await look(operator)).toEqual({ shown: 200, refused: false, listed: 1 });
});
