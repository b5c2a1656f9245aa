import { request } from 'node:http';
import { connect } from 'node:net';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { GaplineError } from '../core/wire/errors.ts';
import type { Problem } from '../core/wire/problem.ts';
import type { ModelControl, ModelOption } from './controls.ts';
import { createDashboard, type Dashboard, type DashboardOptions } from './dashboard.ts';
import type { Snapshot } from './events.ts';
import { MemoryLog } from './testing/memory-log.ts';
import { SimulatedLine } from './testing/simulated-line.ts';

const open: Dashboard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((dashboard) => dashboard.stop()));
});

async function start(options: Partial<DashboardOptions> = {}) {
  const log = new MemoryLog();
  const line = new SimulatedLine({ log, fields: ['a', 'b <i>'], classes: ['ham', 'spam'], name: 'mail <b>' });
  const dashboard = createDashboard({
    stream: line.stream,
    log,
    logger: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    everyMs: 20,
    ...options,
  });
  open.push(dashboard);
  await dashboard.start();
  return { log, line, dashboard, url: dashboard.url };
}

const stats = async (url: string) => (await (await fetch(`${url}/stats`)).json()) as Snapshot;

async function problem(response: Response): Promise<Problem> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  return (await response.json()) as Problem;
}

describe('GET', () => {
  test('/model is what is known of a version, also where that is nothing', async () => {
    const { url } = await start();
    expect(await (await fetch(`${url}/model?version=3`)).json()).toEqual({
      version: 3,
      estimator: null,
      importance: null,
    });
    const response = await fetch(`${url}/model?version=x`);
    expect(response.status).toBe(404);
    expect((await problem(response)).detail).toContain('/model?version=NUMBER');
  });

  test('/window is a window of one device; what is not known is a problem that says where names are', async () => {
    const { log, url } = await start();
    const line = new SimulatedLine({ log, fields: ['a', 'b <i>'], classes: ['ham'], name: 'mail <b>', windows: true });
    line.window('motor & co', Date.now());
    await vi.waitFor(async () => {
      const response = await fetch(`${url}/window?${new URLSearchParams({ device: 'motor & co', field: 'a' })}`);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(await response.json()).toMatchObject({ device: 'motor & co', field: 'a', label: 'ham', read: 1_000 });
    });
    for (const query of ['', '?device=motor', '?device=motor%20%26%20co&field=c', '?device=a&device=b']) {
      const response = await fetch(`${url}/window${query}`);
      expect(response.status).toBe(404);
      expect((await problem(response)).detail).toContain('see /stats');
    }
  });

  test('/ is the page, escaped, under a policy that lets nothing in from elsewhere', async () => {
    const { url } = await start();
    const response = await fetch(url);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('<title>mail &lt;b&gt; · Gapline</title>');
    expect(html).not.toContain('mail <b>');
    expect(html).not.toMatch(/\{\{|<script>|<style|https?:\/\//);
    expect(html).not.toMatch(/ (style|on\w+)="/);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  test('every file that the page names is there, scripts without types', async () => {
    const { url } = await start();
    const html = await (await fetch(url)).text();
    const named = [...html.matchAll(/(?:href|src)="(\/(?:page|vendor)\/[^"]+)"/g)].map(([, path]) => path!);
    expect(named).toContain('/page/main.ts');
    const seen = new Set<string>();
    for (const path of named) await follow(url, path, seen);
    expect(seen).toContain('/page/chart.ts');
    expect(seen).toContain('/vendor/uplot.js');
  });

  test('a file that did not change is not sent twice', async () => {
    const { url } = await start();
    const first = await fetch(`${url}/page/main.ts`);
    const etag = first.headers.get('etag')!;
    await first.arrayBuffer();
    expect(await ask(`${url}/page/main.ts`, { 'if-none-match': etag })).toBe(304);
    expect(await ask(`${url}/page/main.ts`, { 'if-none-match': '"other"' })).toBe(200);
  });

  test('tests and sources beside the page are not served', async () => {
    const { url } = await start();
    for (const path of [
      '/page/format.test.ts',
      '/page/tsconfig.json',
      '/page/../dashboard.ts',
      '/page/%2e%2e/app.ts',
    ]) {
      expect((await fetch(url + path)).status).toBe(404);
    }
  });

  test('/stats has the figures, the recent past included', async () => {
    const log = new MemoryLog();
    const { line, url } = await start({ log });
    expect(await stats(url)).toMatchObject({ stream: 'mail <b>', fields: ['a', 'b <i>'], controls: null });
    new SimulatedLine({ log, fields: line.stream.fields, classes: ['ham'], name: line.stream.name }).past(30);
    await vi.waitFor(async () => expect((await stats(url)).seconds.length).toBeGreaterThanOrEqual(30), 10_000);
  });

  test('/health is up whatever happens; /ready reports why the log cannot be read', async () => {
    const { log, url } = await start();
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'pass' });
    log.trouble(new Error('disk gone'));
    await vi.waitFor(async () => expect((await fetch(`${url}/ready`)).status).toBe(503));
    expect(await (await fetch(`${url}/ready`)).json()).toEqual({ status: 'fail', output: 'disk gone' });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    log.trouble();
    await vi.waitFor(async () => expect((await fetch(`${url}/ready`)).status).toBe(200), 10_000);
  });

  test('/metrics is there where a registry is', async () => {
    const { url } = await start({ registry: new Registry() });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('gapline_dashboard_pages 0');
    const { url: without } = await start();
    expect((await fetch(`${without}/metrics`)).status).toBe(404);
  });

  test('what is not there is a problem', async () => {
    const { url } = await start();
    expect(await problem(await fetch(`${url}/nowhere`))).toMatchObject({ status: 404, code: 'not-found' });
    expect(await problem(await fetch(`${url}/%E0%A4%A`))).toMatchObject({ status: 404, code: 'not-found' });
  });
});

describe('/events', () => {
  test('starts with a snapshot and continues with what changes', async () => {
    const { line, url } = await start();
    const events = listen(`${url}/events`);
    const [first] = await events.take(1);
    expect(first).toMatchObject({ event: 'snapshot', data: { stream: 'mail <b>', rates: { readings: 0 } } });
    line.write(Date.now(), 5);
    await vi.waitFor(async () => {
      const [next] = await events.take(1);
      expect((next?.data.seconds as { readings: number }[] | undefined)?.[0]).toMatchObject({ readings: 5 });
    });
    events.close();
  });

  test('ends at once for HEAD, which has no body', async () => {
    const { url } = await start();
    const { status, headers } = await fetch(`${url}/events`, { method: 'HEAD' });
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const connection = connect(Number(new URL(url).port), '127.0.0.1');
    connection.end('HEAD /events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n');
    expect(Buffer.concat(await connection.toArray()).toString()).toMatch(/^HTTP\/1.1 200 /);
  });

  test('is for so many pages, and no more', async () => {
    const { url } = await start({ mostPages: 1 });
    const events = listen(`${url}/events`);
    await events.take(1);
    const refused = await fetch(`${url}/events`);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await problem(refused)).toMatchObject({ status: 503, code: 'page-busy' });
    events.close();
    await vi.waitFor(async () => {
      const again = await fetch(`${url}/events`);
      await again.body?.cancel();
      expect(again.status).toBe(200);
    });
  });
});

describe('POST /controls/gap-rate', () => {
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/controls/gap-rate`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });

  test('sets the gap rate of the generator', async () => {
    const setGapRate = vi.fn();
    const { url } = await start({ controls: { gapRate: 0.1, setGapRate } });
    expect((await stats(url)).controls).toEqual({ gapRate: 0.1 });
    const response = await post(url, '{"gapRate":0.6}', { origin: url, 'sec-fetch-site': 'same-origin' });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ gapRate: 0.6 });
    expect(setGapRate.mock.calls).toEqual([[0.6]]);
    expect((await stats(url)).controls).toEqual({ gapRate: 0.6 });
  });

  test.each([
    ['{"gapRate":0.61}', 400, 'control-invalid'],
    ['{"gapRate":-0.01}', 400, 'control-invalid'],
    ['{"gapRate":"0.1"}', 400, 'control-invalid'],
    ['{"gapRate":0.1,"more":1}', 400, 'control-invalid'],
    ['{"gapRate":1e999}', 400, 'control-invalid'],
    ['[]', 400, 'control-invalid'],
    ['{', 400, 'body-malformed'],
    ['null', 400, 'body-malformed'],
    [`{"gapRate":${'1'.repeat(2_000)}}`, 413, 'body-too-large'],
  ])('refuses %s', async (body, status, code) => {
    const setGapRate = vi.fn();
    const { url } = await start({ controls: { gapRate: 0.1, setGapRate } });
    expect(await problem(await post(url, body))).toMatchObject({ status, code });
    expect(setGapRate).not.toHaveBeenCalled();
  });

  test('refuses what is not JSON, and what another site asks for', async () => {
    const setGapRate = vi.fn();
    const { url } = await start({ controls: { gapRate: 0.1, setGapRate } });
    const form = await post(url, 'gapRate=0.1', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(await problem(form)).toMatchObject({ status: 415, code: 'media-type-unsupported' });
    const foreign: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ];
    for (const headers of foreign) {
      expect(await problem(await post(url, '{"gapRate":0.1}', headers))).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
    }
    expect(setGapRate).not.toHaveBeenCalled();
  });

  test('is not there without a generator', async () => {
    const { url } = await start();
    expect((await post(url, '{"gapRate":0.1}')).status).toBe(404);
    expect(await (await fetch(url)).text()).toContain('data-controls="no"');
  });
});

describe('POST /controls/model', () => {
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/controls/model`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });

  function modelControl(all: readonly ModelOption[]) {
    return {
      options: async () => all,
      choose: vi.fn(async (version: number) => {
        if (!all.some((option) => option.version === version)) throw new GaplineError('control-invalid', 'no option');
      }),
    };
  }
  const two: readonly ModelOption[] = [
    { version: 2, names: ['champion'], serves: true },
    { version: 1, names: ['mean', '<i>'], serves: false },
  ];
  const startWith = async (models: ModelControl) => {
    const { url } = await start({ controls: { gapRate: 0.1, setGapRate: vi.fn(), models } });
    return url;
  };

  test('lets another version label', async () => {
    const models = modelControl(two);
    const url = await startWith(models);
    const html = await (await fetch(url)).text();
    expect(html).toContain('data-choice="yes"');
    expect(html).toContain('value="2" checked><span>2 (champion)</span>');
    expect(html).toContain('value="1"><span>1 (mean, &lt;i&gt;)</span>');
    const response = await post(url, '{"version":1}', { origin: url, 'sec-fetch-site': 'same-origin' });
    expect([response.status, await response.json()]).toEqual([200, { version: 1 }]);
    expect(models.choose.mock.calls).toEqual([[1]]);
  });

  test('refuses a version that is no option', async () => {
    const url = await startWith(modelControl(two));
    expect(await problem(await post(url, '{"version":3}'))).toMatchObject({
      status: 400,
      code: 'control-invalid',
      detail: 'no option',
    });
  });

  test.each([
    ['{"version":0}', 400, 'control-invalid'],
    ['{"version":1.5}', 400, 'control-invalid'],
    ['{"version":"1"}', 400, 'control-invalid'],
    ['{"version":1,"more":1}', 400, 'control-invalid'],
    ['{}', 400, 'control-invalid'],
    ['{', 400, 'body-malformed'],
    [`{"version":${'1'.repeat(2_000)}}`, 413, 'body-too-large'],
  ])('refuses %s', async (body, status, code) => {
    const models = modelControl(two);
    const url = await startWith(models);
    expect(await problem(await post(url, body))).toMatchObject({ status, code });
    expect(models.choose).not.toHaveBeenCalled();
  });

  test('refuses what is not JSON, and what another site asks for', async () => {
    const models = modelControl(two);
    const url = await startWith(models);
    const form = await post(url, 'version=1', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(await problem(form)).toMatchObject({ status: 415, code: 'media-type-unsupported' });
    const foreign: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
    ];
    for (const headers of foreign) {
      expect(await problem(await post(url, '{"version":1}', headers))).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
    }
    expect(models.choose).not.toHaveBeenCalled();
  });

  test('with one version, or a registry that cannot be read, the page is there without a choice', async () => {
    const unreadable = async () => {
      throw new GaplineError('model-invalid', 'the alias holds no number');
    };
    for (const models of [modelControl(two.slice(0, 1)), { ...modelControl(two), options: unreadable }]) {
      const response = await fetch(await startWith(models));
      expect(response.status).toBe(200);
      const html = await response.text();
      expect(html).toContain('data-choice="no"');
      expect(html).not.toContain('name="model"');
    }
  });

  test('is not there where the model cannot be chosen', async () => {
    const { url } = await start({ controls: { gapRate: 0.1, setGapRate: vi.fn() } });
    expect(await problem(await post(url, '{"version":1}'))).toMatchObject({ status: 404, code: 'not-found' });
  });
});

test('on loopback it answers only as this machine, so that another site’s name cannot be made to point here', async () => {
  const { url } = await start();
  for (const host of ['evil.example:3000', 'localhost.evil.example']) expect(await ask(url, { host })).toBe(403);
  for (const host of ['localhost:3000', '[::1]:3000']) expect(await ask(url, { host })).toBe(200);
});

test('a port in use is reported plainly', async () => {
  const { url } = await start();
  const port = Number(new URL(url).port);
  await expect(start({ port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining('in use'),
  });
});

test('it reports its own status, and stops twice without harm', async () => {
  const { log, line, dashboard } = await start();
  await vi.waitFor(() => {
    const reports = log.takeAll().filter(({ topic }) => topic === line.stream.topics.status);
    expect(JSON.parse(`${reports[0]?.value}`)).toMatchObject({ stage: 'dashboard', stream: 'mail <b>' });
  });
  await dashboard.stop();
  await dashboard.stop();
  expect(() => dashboard.url).toThrow();
});

/** The status of an answer; unlike `fetch` it sends the headers as they are. */
function ask(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asking.on('error', reject).end();
  });
}

/** Fetches a script or sheet and all that it imports. */
async function follow(url: string, path: string, seen: Set<string>): Promise<void> {
  if (seen.has(path)) return;
  seen.add(path);
  const response = await fetch(url + path);
  expect(`${path} ${response.status}`).toBe(`${path} 200`);
  const text = await response.text();
  if (!response.headers.get('content-type')?.startsWith('text/javascript')) return;
  expect(text).not.toMatch(/^(import type|interface|export interface) /m);
  for (const [, specifier] of text.matchAll(/^import .* from '([^']+)';/gm)) {
    await follow(url, new URL(specifier!, url + path).pathname, seen);
  }
}

/** Reads server-sent events, as a browser would. */
function listen(address: string) {
  const controller = new AbortController();
  const events: { event: string; data: Record<string, unknown> }[] = [];
  let failure: unknown;
  void (async () => {
    const response = await fetch(address, { signal: controller.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const found = /^event: (\w+)\ndata: (.*)$/.exec(block);
        if (found) events.push({ event: found[1]!, data: JSON.parse(found[2]!) });
      }
    }
  })().catch((error: unknown) => {
    failure = error;
  });
  return {
    async take(count: number) {
      await vi.waitFor(() => {
        if (failure) throw failure;
        expect(events.length).toBeGreaterThanOrEqual(count);
      }, 10_000);
      return events.splice(0, count);
    },
    close: () => controller.abort(),
  };
}
