import express, { type NextFunction, type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { presentedToken } from '../../core/access/access.ts';
import { HttpProblem, toHttpProblem } from '../../core/http/problem.ts';
import { addressOf, createRateLimit, ownHitCounter } from '../../core/http/rate-limit.ts';
import { Faults, pointerToken } from '../../core/wire/problem.ts';
import { validate } from '../../core/wire/validate.ts';
import type { Audit } from '../audit/audit.ts';
import type { Metrics } from '../metrics.ts';
import { allows, allowsSomewhere, type Need } from '../rights/allows.ts';
import type { Sessions } from '../sign-in/sessions.ts';
import type { User, Users } from '../users/users.ts';
import { createLimiters, type Limits } from './limits.ts';
import { methodCheck } from './method-check.ts';
import type { Call, Operation } from './operation.ts';
import { requestIdOf } from './request-id.ts';
import { unavailableProblem } from './unavailable.ts';

export interface RouterOptions {
  readonly operations: readonly Operation[];
  readonly sessions: Sessions;
  readonly users: Users;
  readonly limits: Limits;
  readonly audit: Audit;
  readonly metrics: Metrics;
}

interface SignedIn {
  readonly user: User;
  readonly session: string;
}

type Facts = Record<string, string | number | boolean>;

const defaultMostBytes = 64 << 10;
/** Requests a minute of one address without a valid access token; valid ones keep working. */
const wrongTokensPerMinute = 60;
const nobody: User = { id: '', name: '', disabled: true, created: '', grants: [] };

/** The routes of all operations, each with the same checks in the same order: who, how often, what, and only then the body. */
export function createRouter({ operations, sessions, users, limits, audit, metrics }: RouterOptions): Router {
  const router = Router();
  const signedIn = new WeakMap<Request, SignedIn>();
  const noted = new WeakMap<Request, Facts>();
  const limiters = createLimiters(limits, (request) => signedIn.get(request)?.user);

  const wrongTokens = createRateLimit({
    ...{ name: 'wrong token', limit: wrongTokensPerMinute, key: addressOf, createCounter: ownHitCounter },
  });

  const signIn: RequestHandler = async (request, response, next) => {
    try {
      signedIn.set(request, await whoSent(request, sessions, users));
    } catch (error) {
      await wrongTokens(request, response);
      response.setHeader('www-authenticate', 'Bearer realm="gapline"');
      throw error;
    }
    next();
  };

  const callOf = (request: Request, { body, query }: Operation): Call => {
    const { user, session } = signedIn.get(request) ?? { user: nobody, session: '' };
    return {
      body: body && parsed(body, demandBody(request), ''),
      query: parsed(query ?? noQuery, { ...request.query }, ''),
      path: pathOf(request),
      user,
      session,
      address: addressOf(request),
      demand: (need) => demand(user, need),
      note: (facts) => void noted.set(request, { ...noted.get(request), ...facts }),
    };
  };

  const record = (each: Operation, request: Request, response: Response, problem?: HttpProblem): void => {
    // Floods would push what matters out of the file.
    if (problem ? problem.code === 'rate-limited' : each.audit === undefined) return;
    audit.record({
      request: requestIdOf(response),
      action: each.audit ?? `${each.method.toUpperCase()} ${each.path}`,
      user: signedIn.get(request)?.user.name,
      address: addressOf(request),
      status: problem?.status ?? response.statusCode,
      code: problem?.code,
      ...noted.get(request),
    });
  };

  for (const each of operations) {
    const checks: RequestHandler[] = each.open ? [] : [signIn];
    const rights: RequestHandler = (request, _response, next) => {
      const { user } = signedIn.get(request) ?? { user: nobody };
      if (each.needs && !allowsSomewhere(user.grants, each.needs)) throw rightMissing(each.needs);
      next();
    };
    const handle: RequestHandler = async (request, response) => {
      const { status, body, headers } = await each.handle(callOf(request, each));
      response.status(status).set({ 'cache-control': 'no-store', ...headers });
      record(each, request, response);
      if (body === undefined) response.end();
      else response.json(body);
    };
    const refused = (thrown: unknown, request: Request, response: Response, next: NextFunction): void => {
      const error = unavailableProblem(thrown) ?? thrown;
      record(each, request, response, toHttpProblem(error, 'the gateway'));
      next(error);
    };
    const path = each.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router[each.method](
      path,
      timed(each, metrics),
      ...checks,
      limiters[each.limit],
      rights,
      ...bodyParsers(each),
      handle,
      refused,
    );
  }
  router.use(methodCheck(operations));
  return router;
}

/** What an operation does not name, it does not overlook either. */
const noQuery = z.strictObject({});

/** Counts a request when its response is over, or its client gone. */
function timed({ method, path }: Operation, metrics: Metrics): RequestHandler {
  const operation = `${method.toUpperCase()} ${path}`;
  return (_request, response, next) => {
    const startedMs = performance.now();
    response.once('close', () =>
      metrics.responded(operation, response.statusCode, (performance.now() - startedMs) / 1_000),
    );
    next();
  };
}

/** @throws {HttpProblem} `unauthorized`, `session-ended` */
async function whoSent(request: Request, sessions: Sessions, users: Users): Promise<SignedIn> {
  const token = presentedToken(request.headers);
  if (token === undefined) throw new HttpProblem('unauthorized', 'send Authorization: Bearer ACCESS_TOKEN');
  const { user: id, session } = await sessions.holderOf(token);
  const user = users.byId(id);
  if (!user || user.disabled) throw new HttpProblem('session-ended', 'the user is disabled');
  return { user, session };
}

function bodyParsers({ body, form, mostBytes = defaultMostBytes }: Operation): RequestHandler[] {
  if (!body) return [];
  const limits = { limit: mostBytes };
  const json = express.json({ ...limits, strict: false });
  return form ? [json, express.urlencoded({ ...limits, extended: false, parameterLimit: 20 })] : [json];
}

function demandBody(request: Request): unknown {
  if (request.body === undefined) throw new HttpProblem('media-type-unsupported', 'send a body of application/json');
  return request.body;
}

function demand(user: User, need: Need): void {
  if (!allows(user.grants, need)) throw rightMissing(need);
}

function rightMissing({ resource, permission, stream }: Need): HttpProblem {
  const where = stream === undefined ? '' : ` of stream ${stream}`;
  return new HttpProblem('right-missing', `${permission} ${resource}${where} is not among your rights`);
}

/** @throws {HttpProblem} `request-invalid`, with each place that is wrong */
function parsed(schema: z.ZodType, value: unknown, root: string): unknown {
  const result = validate(schema, value);
  if (result.success) return result.data;
  const faults = new Faults(20);
  for (const { path, message, code } of result.error.issues) {
    const pointer = path.map((part) => `/${pointerToken(String(part))}`).join('');
    faults.add(`${root}${pointer}`, code === 'unrecognized_keys' ? 'unknown' : 'format', message.slice(0, 300));
  }
  throw new HttpProblem('request-invalid', faults.summary(), { errors: faults.list });
}

function pathOf({ params }: Request): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
}
