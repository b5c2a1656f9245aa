import { z } from 'zod';
import type { ErrorCode } from '../../core/wire/errors.ts';
import type { Need } from '../rights/allows.ts';
import type { User } from '../users/users.ts';
import type { LimitName } from './limits.ts';

/** What a signed-in user may do is asked for by this. */
export type Demand = (need: Need) => void;

/** A request that was checked: signed in, within limits, and of the right shape. */
export interface Call<Body = unknown, Query = unknown> {
  readonly body: Body;
  readonly query: Query;
  /** The parts of the path that are in braces. */
  readonly path: Readonly<Record<string, string>>;
  readonly user: User;
  /** The session of the access token; empty where the operation needs none. */
  readonly session: string;
  /** The client's address. */
  readonly address: string;
  /** @throws {HttpProblem} `right-missing` */
  readonly demand: Demand;
  /** Adds to what the audit keeps of this request. */
  note(facts: Readonly<Record<string, string | number | boolean>>): void;
}

export interface Reply {
  readonly status: number;
  /** Undefined for none. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One method of one path: makes the route, its checks, and its part of the OpenAPI document. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** As OpenAPI writes it: `/tasks/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Needs no access token. */
  readonly open?: true;
  /**
   * What the user must be allowed somewhere before the body is read. Which stream it is about is checked by the operation, once that is
   * known. Absent where every signed-in user may do it.
   */
  readonly needs?: Pick<Need, 'resource' | 'permission'>;
  readonly limit: LimitName;
  readonly body?: z.ZodType;
  /** Takes `application/x-www-form-urlencoded` as well as JSON. */
  readonly form?: true;
  readonly mostBytes?: number;
  readonly query?: z.ZodType;
  readonly replies: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  /** Beside those that every operation can give. */
  readonly problems?: readonly ErrorCode[];
  /** The name of what is done, for the audit; without one only refusals are kept. */
  readonly audit?: string;
  handle(call: Call): Reply | Promise<Reply>;
}

interface TypedOperation<Body extends z.ZodType, Query extends z.ZodType>
  extends Omit<Operation, 'body' | 'query' | 'handle'> {
  readonly body?: Body;
  readonly query?: Query;
  handle(call: Call<z.output<Body>, z.output<Query>>): Reply | Promise<Reply>;
}

/** An operation whose `handle` knows the types of its schemas. */
export function operation<Body extends z.ZodType = z.ZodUndefined, Query extends z.ZodType = z.ZodUndefined>(
  typed: TypedOperation<Body, Query>,
): Operation {
  return typed as unknown as Operation;
}

/** A name that may stand in a path: no slashes, no dots alone. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$/, 'letters, digits, dot, dash, underscore and @, at most 100');

/** A whole number in an address: digits alone, not what JavaScript else takes for a number, such as nothing for 0. */
export const wholeNumber = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number from ${minimum} to ${maximum}`)
    .meta({ type: 'integer', minimum, maximum })
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));
