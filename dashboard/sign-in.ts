import express, { type Request, type Response, Router } from 'express';
import { type Access, presentedToken } from '../core/access/access.ts';
import type { Guard, OriginCheck } from '../core/access/guard.ts';
import type { Sessions } from '../core/access/sessions.ts';
import { type Asset, sendAsset } from '../core/http/page-files.ts';
import { GaplineError } from '../core/wire/errors.ts';

export interface SignInOptions {
  readonly guard: Guard;
  readonly checkOrigin: OriginCheck;
  readonly sessions: Sessions;
  /** The page that asks for a token, with what was wrong. */
  readonly page: (message: string) => Asset;
}

/**
 * `POST /session` takes a form with a `token` and returns the session's cookie; `POST /session/end` ends it. Both work without
 * scripts. A wrong token counts against the address, as anywhere.
 */
export function signInRouter({ guard, checkOrigin, sessions, page }: SignInOptions): Router {
  const router = Router();
  const form = express.urlencoded({ extended: false, limit: '4kb' });
  const pass = guard('read');

  router.post('/session', form, async (request, response) => {
    const token = String((request.body as { token?: unknown } | undefined)?.token ?? '').trim();
    try {
      request.headers.authorization = `Bearer ${token}`;
      await pass(request, response);
    } catch (error) {
      const why = refusalOf(error);
      if (why === undefined) throw error;
      sendAsset(response.status(why.status), page(why.message));
      return;
    }
    const cookie = sessions.begin(token);
    if (cookie !== undefined) response.setHeader('set-cookie', cookie);
    response.redirect(303, '/');
  });

  router.post('/session/end', (request, response) => {
    checkOrigin(request);
    response.setHeader('set-cookie', sessions.end(request.headers));
    response.redirect(303, '/');
  });
  return router;
}

/** The status and message for a browser without access; undefined where the error is another one. */
function refusalOf(error: unknown): { status: number; message: string } | undefined {
  if (!(error instanceof GaplineError)) return undefined;
  if (error.code === 'unauthorized') return { status: 401, message: 'This token is not known here.' };
  if (error.code === 'forbidden') return { status: 403, message: 'This token may not read.' };
  return undefined;
}

/** Responds to somebody without a session: to a browser with the page that asks for a token, to a program with the error. */
export function askForToken(error: unknown, request: Request, response: Response, page: SignInOptions['page']): void {
  const isBrowser = request.accepts(['json', 'html']) === 'html';
  if (!(error instanceof GaplineError) || error.code !== 'unauthorized' || !isBrowser) throw error;
  sendAsset(response.status(401), page(''));
}

/** Whether a long request may continue: its token is still valid, or its session is. */
export function stillAllowed(request: Request, access: Access, sessions: Sessions): boolean {
  if (access.open) return true;
  const token = presentedToken(request.headers);
  return (token === undefined ? sessions.holderOf(request.headers) : access.holderOf(token)) !== undefined;
}
