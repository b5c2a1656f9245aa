import { expect, test } from 'vitest';
import { errorCatalog } from '../../core/wire/errors.ts';
import { exampleOf } from '../page/example.ts';
import { TestGateway, temporaryFolder } from '../testing/gateway.ts';
import { makeStream } from '../testing/stream.ts';

const open = [
  'POST /auth/register',
  'POST /auth/jwt/login',
  'POST /auth/jwt/refresh',
  'POST /auth/reset',
  'GET /health',
];

async function scene() {
  const streams = [await makeStream(temporaryFolder(), 'pumps')];
  const gateway = await new TestGateway({ streams, config: { registration: 'open' } }).start();
  const { status, body } = await gateway.request('/openapi.json');
  expect(status).toBe(200);
  const operations = Object.entries(body.paths).flatMap(([path, methods]) =>
    // biome-ignore lint/suspicious/noExplicitAny: a document of every form
    Object.entries(methods as Record<string, any>).map(([method, each]) => {
      return { name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, ...each };
    }),
  );
  return { gateway, operations, document: body };
}

test('every operation but those to sign in needs a token, and says so in the document', async () => {
  const { gateway, operations } = await scene();
  expect(operations.length).toBeGreaterThan(15);
  for (const { name, method, path, security, responses } of operations) {
    const isOpen = open.includes(name);
    expect({ name, isOpen: (security ?? []).length === 0 }).toEqual({ name, isOpen });
    if (isOpen) continue;
    expect(responses).toHaveProperty('401');
    const refused = await gateway.request(path.replaceAll(/\{\w+\}/g, 'x'), { method });
    expect({ name, status: refused.status, code: refused.body.code }).toEqual({
      name,
      status: 401,
      code: 'unauthorized',
    });
  }
});

test('codes of refusals are those of the catalog, under their status', async () => {
  const { operations } = await scene();
  for (const { responses } of operations)
    for (const [status, { description, content }] of Object.entries<{ description: string; content?: object }>(
      responses,
    ))
      if (content && 'application/problem+json' in content)
        for (const code of description.split(', '))
          expect(errorCatalog[code as keyof typeof errorCatalog].status).toBe(Number(status));
});

test('what an administrator gets for the example of each operation is in the document', async () => {
  const { gateway, operations } = await scene();
  const token = await gateway.admin();
  // Last, because it ends the session.
  const order = operations.toSorted(
    (a, b) => Number(a.path === '/auth/jwt/logout') - Number(b.path === '/auth/jwt/logout'),
  );
  for (const { name, method, path, requestBody, responses } of order) {
    const schema = requestBody?.content['application/json'].schema;
    const body = schema && exampleOf(schema);
    const { status } = await gateway.request(path.replaceAll(/\{\w+\}/g, 'x'), { method, token, body });
    expect(Object.keys(responses).map(Number), `${name}: ${status}`).toContain(status);
    expect(status, name).toBeLessThan(500);
  }
});

test('a query that an operation does not name is refused, not overlooked', async () => {
  const { gateway, operations } = await scene();
  const token = await gateway.admin();
  for (const { name, path } of operations.filter(({ method }) => method === 'get'))
    if (path !== '/health' && !path.includes('{'))
      expect(await gateway.request(`${path}?nobody=1`, { token }), name).toMatchObject({
        status: 400,
        body: { code: 'request-invalid', errors: [{ code: 'unknown' }] },
      });
});

test('an object whose length compares with no number is refused wherever a body may hold something', async () => {
  const { gateway, operations } = await scene();
  const token = await gateway.admin();
  const odd = JSON.parse('{"length":{"toString":1,"valueOf":1}}');
  const withBody = operations.filter(({ requestBody }) => requestBody?.content['application/json']);
  expect(withBody.length).toBeGreaterThan(5);
  for (const { name, method, path, requestBody } of withBody) {
    const keys = new Set(namesIn(requestBody.content['application/json'].schema));
    const body = Object.fromEntries([...keys].map((key) => [key, odd]));
    const { status } = await gateway.request(path.replaceAll(/\{\w+\}/g, 'x'), { token, method, body });
    expect([400, 404], `${name} answers ${status}`).toContain(status);
  }
});

/** The names of all properties of a schema, however deep. */
function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const properties = 'properties' in schema && typeof schema.properties === 'object' ? (schema.properties ?? {}) : {};
  return [...Object.keys(properties), ...Object.values(schema).flatMap(namesIn)];
}

test('no request names an address or a file: nothing a client sends makes the gateway ask or open something', async () => {
  const { operations } = await scene();
  const names = operations.flatMap(({ requestBody, parameters = [] }) => [
    ...namesIn(requestBody?.content['application/json'].schema),
    ...parameters.map(({ name }: { name: string }) => name),
  ]);
  expect(names).toContain('hyperparameters');
  expect(names).toContain('trees');
  expect(names.filter((name) => /url|uri|host|address|path|file|folder|onnx|endpoint|webhook/i.test(name))).toEqual([]);
});

test('the page and its files come from here, under a policy that allows nothing else', async () => {
  const { gateway } = await scene();
  const page = await fetch(`${gateway.url}/docs`);
  const text = await page.text();
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) {
    expect(file).toMatch(/^\/[^/]/);
    expect((await fetch(gateway.url + file)).status, file).toBe(200);
  }
});
