import { z } from 'zod';
import { HttpProblem } from '../../core/http/problem.ts';
import { nameSchema, type Operation, operation } from '../http/operation.ts';
import type { Delays } from '../users/delays.ts';
import type { Passwords } from '../users/passwords.ts';
import type { Users } from '../users/users.ts';
import { userSchema, userView } from '../users/view.ts';
import type { Sessions } from './sessions.ts';

export interface SignInParts {
  readonly users: Users;
  readonly passwords: Passwords;
  readonly sessions: Sessions;
  readonly delays: Delays;
  readonly registration: 'open' | 'closed';
}

const tag = 'sign in';

/** A password that is set. Its length counts more than its signs; the upper bound keeps normalising it cheap. */
const newPasswordSchema = z.string().min(10, 'at least 10 characters').max(256, 'at most 256 characters');
const presentedSchema = z.string().min(1).max(1_000);

export const tokenPairSchema = z
  .strictObject({
    access_token: z.string(),
    refresh_token: z.string().describe('valid once; gives the next pair at /auth/jwt/refresh'),
    token_type: z.literal('bearer'),
    expires_in: z.int().describe('seconds that the access token is valid'),
  })
  .meta({ title: 'TokenPair' });

const registerSchema = z.strictObject({ username: nameSchema, password: newPasswordSchema });
const loginSchema = z
  .object({ username: presentedSchema, password: presentedSchema })
  .describe('a form of OAuth 2.0 has more fields, which are ignored');

/** Registration, sign-in, and what a user does with the account. */
export function signInOperations(parts: SignInParts): Operation[] {
  return [register(parts), login(parts), refresh(parts), logout(parts), reset(parts), me(), changePassword(parts)];
}

const register = ({ users, passwords, registration }: SignInParts): Operation =>
  operation({
    ...{ method: 'post', path: '/auth/register', summary: 'Register, where that is open', tag, open: true },
    ...{ limit: 'sign-in', body: registerSchema, audit: 'register' },
    replies: { 201: { description: 'registered, with the role user', schema: userSchema } },
    problems: ['registration-closed', 'name-taken', 'hashing-busy'],
    async handle({ body: { username, password }, note }) {
      note({ name: username });
      if (registration === 'closed')
        throw new HttpProblem('registration-closed', 'this gateway is closed to newcomers');
      // Before the costly hash; `add` checks it once more.
      if (users.byName(username)) throw new HttpProblem('name-taken', `${username} is the name of a user already`);
      const user = users.add(username, await passwords.hash(password), [{ role: 'user', stream: '*' }]);
      return { status: 201, body: userView(user) };
    },
  });

const login = ({ users, passwords, sessions, delays }: SignInParts): Operation =>
  operation({
    ...{ method: 'post', path: '/auth/jwt/login', summary: 'Sign in', tag, open: true, form: true },
    ...{ limit: 'sign-in', body: loginSchema, audit: 'sign-in' },
    replies: { 200: { description: 'signed in', schema: tokenPairSchema } },
    problems: ['credentials-invalid', 'sign-in-delayed', 'hashing-busy'],
    async handle({ body: { username, password }, address, note }) {
      note({ name: username.slice(0, 100) });
      const key = delayKey(username, address);
      delays.check(key);
      const isRight = await passwords.verify(password, users.passwordOf(username));
      const user = isRight ? users.byName(username) : undefined;
      if (!user || user.disabled) {
        delays.failed(key);
        throw new HttpProblem('credentials-invalid', 'no enabled user has this name and password');
      }
      delays.succeeded(key);
      return { status: 200, body: await sessions.begin(user.id) };
    },
  });

/** By address too: else anybody could keep a user out by guessing. */
const delayKey = (name: string, address: string): string => `${name.slice(0, 100).toLowerCase()} ${address}`;

const refresh = ({ users, sessions }: SignInParts): Operation =>
  operation({
    ...{ method: 'post', path: '/auth/jwt/refresh', summary: 'The next pair of tokens', tag, open: true, form: true },
    ...{ limit: 'sign-in', body: z.object({ refresh_token: presentedSchema }), audit: 'refresh' },
    replies: { 200: { description: 'the old refresh token is used up', schema: tokenPairSchema } },
    problems: ['session-ended'],
    async handle({ body, note }) {
      const { user: id, pair } = await sessions.refresh(body.refresh_token);
      const user = users.byId(id);
      if (!user || user.disabled) throw new HttpProblem('session-ended', 'the user is disabled');
      note({ name: user.name });
      return { status: 200, body: pair };
    },
  });

const logout = ({ sessions }: SignInParts): Operation =>
  operation({
    ...{ method: 'post', path: '/auth/jwt/logout', summary: 'Sign out: the tokens are worthless at once', tag },
    ...{ limit: 'change', audit: 'sign-out' },
    replies: { 204: { description: 'signed out' } },
    handle({ session }) {
      sessions.end(session, 'signed out');
      return { status: 204 };
    },
  });

const reset = ({ users, passwords, sessions, delays }: SignInParts): Operation =>
  operation({
    ...{ method: 'post', path: '/auth/reset', summary: 'Set a password with a one-time code', tag, open: true },
    ...{ limit: 'sign-in', audit: 'reset' },
    body: z.strictObject({ username: presentedSchema, code: presentedSchema, password: newPasswordSchema }),
    replies: { 204: { description: 'set; every session of the user has ended' } },
    problems: ['credentials-invalid', 'sign-in-delayed', 'hashing-busy'],
    async handle({ body: { username, code, password }, address, note }) {
      note({ name: username.slice(0, 100) });
      const key = delayKey(username, address);
      delays.check(key);
      const hash = await passwords.hash(password);
      const user = users.byName(username);
      if (!user || !users.useCode(user.id, code)) {
        delays.failed(key);
        throw new HttpProblem('credentials-invalid', 'no user has this name and code');
      }
      users.setPassword(user.id, hash);
      sessions.endAll(user.id, 'the password was reset');
      return { status: 204 };
    },
  });

const me = (): Operation =>
  operation({
    ...{ method: 'get', path: '/users/me', summary: 'Who is signed in', tag, limit: 'read' },
    replies: { 200: { description: 'the user', schema: userSchema } },
    handle: ({ user }) => ({ status: 200, body: userView(user) }),
  });

const changePassword = ({ users, passwords, sessions }: SignInParts): Operation =>
  operation({
    ...{ method: 'put', path: '/users/me/password', summary: 'Change the password', tag },
    ...{ limit: 'sign-in', audit: 'change password' },
    body: z.strictObject({ old: presentedSchema, new: newPasswordSchema }),
    replies: { 204: { description: 'changed; every session of the user has ended' } },
    problems: ['credentials-invalid', 'hashing-busy'],
    async handle({ body, user }) {
      if (!(await passwords.verify(body.old, users.passwordOf(user.name))))
        throw new HttpProblem('credentials-invalid', 'the old password is another one');
      users.setPassword(user.id, await passwords.hash(body.new));
      sessions.endAll(user.id, 'the password was changed');
      return { status: 204 };
    },
  });
