import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { GaplineError } from '../wire/errors.ts';
import type { Guard } from './guard.ts';
import { addressOf, createRate } from './rates.ts';
import type { Sessions } from './sessions.ts';
import { foreignPage } from './surroundings.ts';
import type { Scope } from './tokens.ts';

export interface LoginOptions {
  readonly sessions: Sessions;
  /** Wrong tokens an address may try a minute. Default 60. */
  readonly wrongTokensPerMinute?: number;
}

/**
 * `GET /login`, a form without script; `POST /login`, which exchanges a token for the session's cookie and leads back to the page;
 * `POST /logout`. Errors are thrown as `GaplineError`, for the app's own handler.
 */
export function loginRouter({ sessions, wrongTokensPerMinute = 60 }: LoginOptions): Router {
  const wrong = createRate(wrongTokensPerMinute, addressOf);
  const router = Router();
  const form = express.urlencoded({ extended: false, limit: '4kb' });
  router.get('/login', (_request, response) => sendForm(response, 200, ''));
  router.post('/login', refuseForeign, form, async (request, response) => {
    const { token } = (request.body ?? {}) as { token?: unknown };
    const cookie = typeof token === 'string' ? sessions.begin(token.trim()) : undefined;
    if (cookie === undefined) {
      await wrong(request, response);
      return sendForm(response, 401, '<p role="alert">This is no token that is known here.</p>');
    }
    response.setHeader('set-cookie', cookie);
    response.redirect(303, '/');
  });
  router.post('/logout', refuseForeign, (request, response) => {
    response.setHeader('set-cookie', sessions.end(request.headers));
    response.redirect(303, '/login');
  });
  return router;
}

/** Asks for a scope before what follows; a browser that wants a page is led to the form instead. */
export function demand(guard: Guard, scope: Scope): RequestHandler {
  const check = guard(scope);
  return async (request, response, next) => {
    try {
      await check(request, response);
    } catch (error) {
      const unknown = error instanceof GaplineError && error.code === 'unauthorized';
      if (unknown && wantsPage(request)) return response.redirect(303, '/login');
      throw error;
    }
    next();
  };
}

function wantsPage(request: Request): boolean {
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
}

const refuseForeign: RequestHandler = (request, _response, next) => {
  const foreign = foreignPage(request.headers, { loopbackOnly: false });
  if (foreign !== undefined) throw new GaplineError('forbidden', foreign);
  next();
};

function sendForm(response: Response, status: number, message: string): void {
  response
    .status(status)
    .set('cache-control', 'no-store')
    .type('html')
    .send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Gapline</title>
<main>
<h1>Gapline</h1>
${message}
<form method="post" action="/login">
<label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button>Open</button>
</form>
<p>A token is made by <code>gapline tokens add NAME --scope read</code>.</p>
</main>
`);
}
