import type { IncomingMessage } from 'node:http';
import { HttpProblem } from '../../core/http/problem.ts';

export type BodyForm = 'json' | 'ndjson';

/**
 * The form of the body that a request's content type names.
 * @throws {HttpProblem} `media-type-unsupported`
 */
export function bodyForm(request: Pick<IncomingMessage, 'headers'>): BodyForm {
  const header = request.headers['content-type'];
  if (header === 'application/json') return 'json';
  if (header === undefined) {
    throw unsupported('there is no content-type; send application/json or application/x-ndjson');
  }
  const [type, ...parameters] = header
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw unsupported('the charset is utf-8');
  if (type === 'application/json') return 'json';
  if (type === 'application/x-ndjson' || type === 'application/ndjson') return 'ndjson';
  throw unsupported('the content-type is application/json or application/x-ndjson');
}

function unsupported(detail: string): HttpProblem {
  return new HttpProblem('media-type-unsupported', detail);
}
