import { expect, test } from 'vitest';
import { TestGateway } from '../testing/gateway.ts';
import { allows, allowsSomewhere, type Need } from './allows.ts';
import { type Right, type Role, rights, roles } from './table.ts';

const streams = { granted: 'pumps', other: 'motors' };

/** What a right covers, and the nearest thing that it does not. */
function cases({ pattern, resource, permission }: Right): { inside: Need; outside: Need } {
  const need = { resource, permission } as Need;
  if (pattern === 'all') return { inside: need, outside: need };
  if (pattern === 'own')
    return {
      inside: { ...need, stream: streams.granted, own: true },
      outside: { ...need, stream: streams.other, own: true },
    };
  return { inside: { ...need, stream: streams.granted }, outside: { ...need, stream: streams.other } };
}

const cells = (rights as readonly Right[]).flatMap((right) =>
  roles.map((role) => ({ ...right, right, role, least: right.role })),
);

test.each(cells)('$role, $permission $resource ($pattern)', ({ right, role, least }) => {
  const has = roles.indexOf(role) >= roles.indexOf(least);
  const { inside, outside } = cases(right);
  const grants = (stream: string): { role: Role; stream: string }[] => [{ role, stream }];
  expect(allows(grants('*'), inside)).toBe(has);
  expect(allows(grants(streams.granted), inside)).toBe(has && right.pattern !== 'all');
  expect(allows(grants(streams.granted), outside)).toBe(false);
  expect(allows([], inside)).toBe(false);
  expect(allowsSomewhere(grants('*'), inside)).toBe(has || roleHas(role, right));
});

/** Whether another row of the table gives the role the same permission. */
const roleHas = (role: Role, { resource, permission }: Right): boolean =>
  (rights as readonly Right[]).some(
    (each) =>
      each.resource === resource && each.permission === permission && roles.indexOf(role) >= roles.indexOf(each.role),
  );

test('what the table does not name, nobody may do', () => {
  const everything = roles.map((role) => ({ role, stream: '*' }));
  expect(allows(everything, { resource: 'users', permission: 'predict', stream: streams.granted })).toBe(false);
  expect(allows(everything, { resource: 'predictions', permission: 'create' })).toBe(false);
});

test('what a user did not make is not covered by a right to the own', () => {
  const grants = [{ role: 'user', stream: streams.granted }] as const;
  const need = { resource: 'tasks', permission: 'cancel', stream: streams.granted } as const;
  expect(allows(grants, { ...need, own: true })).toBe(true);
  expect(allows(grants, { ...need, own: false })).toBe(false);
});

const requests = [
  ['GET', '/users'],
  ['POST', '/users'],
  ['PUT', '/users/admin/roles'],
  ['PUT', '/users/admin/disabled'],
  ['POST', '/users/admin/reset'],
  ['GET', '/audit'],
] as const;

test('over HTTP, only an administrator of all streams sees and changes users, and reads the audit', async () => {
  const gateway = await new TestGateway().start();
  const tokens = new Map<string, string>();
  for (const role of roles)
    for (const stream of ['*', streams.granted])
      tokens.set(
        `${role} ${stream}`,
        await gateway.user(`${role}-${stream === '*' ? 'all' : 'one'}`, [{ role, stream }]),
      );
  for (const [who, token] of tokens)
    for (const [method, path] of requests) {
      const body = method === 'GET' ? {} : { body: {} };
      const { status, body: answer } = await gateway.request(path, { method, token, ...body });
      if (who === 'admin *') expect([200, 201, 400], `${who}: ${method} ${path}`).toContain(status);
      else expect({ who, status, code: answer.code }).toEqual({ who, status: 403, code: 'right-missing' });
    }
});

test('a change of roles is in force with the next request', async () => {
  const gateway = await new TestGateway().start();
  const [token, admin] = [await gateway.user('ben', [{ role: 'viewer', stream: '*' }]), await gateway.admin()];
  expect((await gateway.request('/users', { token })).status).toBe(403);
  const set = (role: Role) =>
    gateway.request('/users/ben/roles', { method: 'PUT', token: admin, body: { roles: [{ role, stream: '*' }] } });
  expect((await set('admin')).status).toBe(200);
  expect((await gateway.request('/users', { token })).status).toBe(200);
  await set('viewer');
  expect((await gateway.request('/users', { token })).status).toBe(403);
});

test('nobody changes their own roles', async () => {
  const gateway = await new TestGateway().start();
  const token = await gateway.admin();
  for (const [path, body] of [
    ['/users/admin/roles', { roles: [] }],
    ['/users/admin/disabled', { disabled: true }],
  ] as const)
    expect(await gateway.request(path, { method: 'PUT', token, body })).toMatchObject({ status: 403 });
});
