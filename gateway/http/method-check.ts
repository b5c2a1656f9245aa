import type { RequestHandler } from 'express';
import { HttpProblem } from '../../core/http/problem.ts';

/** A method of a path, as OpenAPI writes it: `/tasks/{id}`. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

/** A path that exists for other methods is 405, with the methods in `Allow`. */
export function methodCheck(routes: readonly Route[]): RequestHandler {
  const paths = routes.map(({ method, path }) => ({
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`),
  }));
  return (request, response, next) => {
    const allowed = paths.filter(({ pattern }) => pattern.test(request.path)).map(({ method }) => method);
    if (allowed.length === 0) return next();
    response.setHeader('allow', allowed.join(', '));
    throw new HttpProblem('method-not-allowed', `${request.method} is not allowed here, only ${allowed.join(', ')}`);
  };
}
