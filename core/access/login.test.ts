import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorCatalog, type GaplineError } from '../wire/errors.ts';
import { Access } from './access.ts';
import { createGuard } from './guard.ts';
import { demand, loginRouter } from './login.ts';
import { Sessions } from './sessions.ts';

let server: Server;
let url: string;
beforeEach(async () => {
  const access = new Access({ token: 'secret', logger: pino({ level: 'silent' }) });
  access.start();
  const sessions = new Sessions({ access, secure: false });
  const guard = createGuard({ access, host: '127.0.0.1', sessions });
  const answer: ErrorRequestHandler = (error: GaplineError, _request, response, _next) => {
    response.status(errorCatalog[error.code].status).send(error.message);
  };
  const app = express()
    .use(loginRouter({ sessions, wrongTokensPerMinute: 2 }))
    .use(demand(guard, 'read'))
    .get('/', (_request, response) => void response.send('the page'))
    .use(answer);
  server = await new Promise((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const html = { accept: 'text/html' };

function login(token: string, headers = {}): Promise<Response> {
  return fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ token }), redirect: 'manual', headers });
}

test('a browser without a session is led to the form, a program gets 401', async () => {
  const page = await fetch(url, { headers: html, redirect: 'manual' });
  expect([page.status, page.headers.get('location')]).toEqual([303, '/login']);
  expect((await fetch(url)).status).toBe(401);
  expect(await (await fetch(`${url}/login`)).text()).toContain('type="password"');
});

test('a token becomes a cookie that opens the page until the session is ended', async () => {
  const answer = await login(' secret ');
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
  const set = answer.headers.get('set-cookie')!;
  expect(set).toContain('HttpOnly; SameSite=Strict');
  expect(set).not.toContain('secret');
  const cookie = set.split(';')[0]!;
  expect(await (await fetch(url, { headers: { ...html, cookie } })).text()).toBe('the page');
  const ended = await fetch(`${url}/logout`, { method: 'POST', headers: { cookie }, redirect: 'manual' });
  expect(ended.headers.get('set-cookie')).toContain('Max-Age=0');
  expect((await fetch(url, { headers: { cookie } })).status).toBe(401);
});

test('wrong tokens are told, then slowed down; another site cannot log anyone in or out', async () => {
  const [first, second, third] = [await login('wrong'), await login('<b>'), await login('wrong')];
  expect([first.status, second.status, third.status]).toEqual([401, 401, 429]);
  expect(await second.text()).not.toContain('<b>');
  expect((await login('secret', { origin: 'https://evil.example' })).status).toBe(403);
  expect((await login('secret')).status).toBe(303);
});
