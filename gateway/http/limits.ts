import type { Request, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { HttpProblem } from '../../core/http/problem.ts';
import { addressOf } from '../../core/http/rate-limit.ts';
import { type Role, roles } from '../rights/table.ts';
import type { User } from '../users/users.ts';

/** Requests a minute of one user, by the greatest role; `sign-in` is by address. */
export const defaultLimits = {
  'sign-in': 30,
  read: { viewer: 300, user: 300, operator: 600, admin: 600 },
  predict: { viewer: 180, user: 180, operator: 600, admin: 600 },
  sample: 60,
  start: 5,
  change: 60,
} as const satisfies Record<string, number | Record<Role, number>>;

export type LimitName = keyof typeof defaultLimits;
export type Limits = Readonly<Record<LimitName, number | Readonly<Record<Role, number>>>>;

const windowMs = 60_000;

/** The greatest role that a user has for any stream. */
function greatestRole({ grants }: User): Role {
  return roles.findLast((role) => grants.some((grant) => grant.role === role)) ?? 'viewer';
}

/** Counts requests by user, or by address where there is none; `RateLimit` headers say what is left. */
export function createLimiters(
  limits: Limits,
  userOf: (request: Request) => User | undefined,
): Readonly<Record<LimitName, RequestHandler>> {
  const limiterOf = (name: LimitName): RequestHandler =>
    rateLimit({
      windowMs,
      identifier: name,
      standardHeaders: 'draft-8',
      legacyHeaders: false,
      limit: (request) => {
        const limit = limits[name];
        const user = userOf(request);
        return typeof limit === 'number' ? limit : limit[user ? greatestRole(user) : 'viewer'];
      },
      keyGenerator: (request) => userOf(request)?.id ?? addressOf(request),
      handler: (_request, response, next) => {
        const retryAfterS = Math.max(1, Number(response.getHeader('retry-after') ?? 60));
        next(
          new HttpProblem('rate-limited', `more "${name}" requests a minute than your role allows`, { retryAfterS }),
        );
      },
    });
  const names = Object.keys(defaultLimits) as LimitName[];
  return Object.fromEntries(names.map((name) => [name, limiterOf(name)])) as Record<LimitName, RequestHandler>;
}
