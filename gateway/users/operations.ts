import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { shorten } from '../../core/wire/problem.ts';
import { nameSchema, type Operation, operation } from '../http/operation.ts';
import type { Sessions } from '../sign-in/sessions.ts';
import type { Passwords } from './passwords.ts';
import type { User, Users } from './users.ts';
import { grantSchema, userSchema, userView } from './view.ts';

export interface UserParts {
  readonly users: Users;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
}

const tag = 'users';
const read = { resource: 'users', permission: 'read' } as const;
const change = { resource: 'users', permission: 'change' } as const;
const grantsSchema = z.array(grantSchema).max(100);

/** What administrators do with users. */
export function userOperations(parts: UserParts): Operation[] {
  return [list(parts), add(parts), setRoles(parts), setDisabled(parts), makeCode(parts)];
}

const list = ({ users }: UserParts): Operation =>
  operation({
    ...{ method: 'get', path: '/users', summary: 'All users', tag, needs: read, limit: 'read' },
    replies: { 200: { description: 'by name', schema: z.strictObject({ users: z.array(userSchema) }) } },
    handle({ demand }) {
      demand(read);
      return { status: 200, body: { users: users.list().map(userView) } };
    },
  });

const add = ({ users, passwords }: UserParts): Operation =>
  operation({
    ...{ method: 'post', path: '/users', summary: 'Add a user, who sets a password with the code', tag },
    ...{ needs: change, limit: 'change', audit: 'add user' },
    body: z.strictObject({ username: nameSchema, roles: grantsSchema }),
    replies: { 201: { description: 'the code is valid once and for a day', schema: codeSchema } },
    problems: ['name-taken', 'hashing-busy'],
    async handle({ body: { username, roles }, demand, note }) {
      demand(change);
      note({ name: username, roles: JSON.stringify(roles) });
      // Nobody knows this password; the code sets another.
      const user = users.add(username, await passwords.hash(crypto.randomUUID()), roles);
      return { status: 201, body: { username, code: users.makeCode(user.id) } };
    },
  });

const codeSchema = z.strictObject({ username: nameSchema, code: z.string().describe('for /auth/reset') });

const setRoles = ({ users }: UserParts): Operation =>
  operation({
    ...{ method: 'put', path: '/users/{name}/roles', summary: 'Set the roles of a user', tag },
    ...{ needs: change, limit: 'change', audit: 'set roles', body: z.strictObject({ roles: grantsSchema }) },
    replies: { 200: { description: 'in force from the next request on', schema: userSchema } },
    problems: ['not-found'],
    handle({ path, body: { roles }, demand, note, user: self }) {
      demand(change);
      note({ name: shorten(path.name ?? ''), roles: JSON.stringify(roles) });
      const user = find(users, path.name);
      refuseSelf(self, user);
      users.setGrants(user.id, roles);
      return { status: 200, body: userView(find(users, path.name)) };
    },
  });

const setDisabled = ({ users, sessions }: UserParts): Operation =>
  operation({
    ...{ method: 'put', path: '/users/{name}/disabled', summary: 'Disable or enable a user', tag },
    ...{ needs: change, limit: 'change', audit: 'disable', body: z.strictObject({ disabled: z.boolean() }) },
    replies: { 200: { description: 'the sessions of a disabled user have ended', schema: userSchema } },
    problems: ['not-found'],
    handle({ path, body: { disabled }, demand, note, user: self }) {
      demand(change);
      note({ name: shorten(path.name ?? ''), disabled });
      const user = find(users, path.name);
      refuseSelf(self, user);
      users.setDisabled(user.id, disabled);
      if (disabled) sessions.endAll(user.id, 'the user was disabled');
      return { status: 200, body: userView({ ...user, disabled }) };
    },
  });

const makeCode = ({ users }: UserParts): Operation =>
  operation({
    ...{ method: 'post', path: '/users/{name}/reset', summary: 'A one-time code for a new password', tag },
    ...{ needs: change, limit: 'change', audit: 'make reset code' },
    replies: { 201: { description: 'valid once and for a day; the code before is worthless', schema: codeSchema } },
    problems: ['not-found'],
    handle({ path, demand, note }) {
      demand(change);
      note({ name: shorten(path.name ?? '') });
      const user = find(users, path.name);
      return { status: 201, body: { username: user.name, code: users.makeCode(user.id) } };
    },
  });

function find(users: Users, name = ''): User {
  const user = users.byName(name);
  if (!user) throw new HttpProblem('not-found', `there is no user ${shorten(name)}`);
  return user;
}

/** Else the last administrator could leave nobody who may. */
function refuseSelf(self: User, { id }: User): void {
  if (self.id === id) throw new HttpProblem('right-missing', 'nobody may change their own roles or disable themselves');
}
