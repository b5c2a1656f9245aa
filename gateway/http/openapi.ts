import { z } from 'zod';
import { errorCatalog } from '../../core/wire/errors.ts';
import { problemSchema, problemType } from '../../core/wire/problem.ts';
import type { Operation } from './operation.ts';

/** What every operation can give, beside what is its own. */
const common = ['request-malformed', 'request-invalid', 'forbidden', 'rate-limited', 'internal'] as const;
const ofSignedIn = ['unauthorized', 'session-ended'] as const;

const json = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

/** The API as an OpenAPI 3.1 document: of each operation what its schemas say, and what it checks. */
export function openApiDocument(operations: readonly Operation[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of operations) {
    const methods = paths[each.path] ?? {};
    paths[each.path] = methods;
    methods[each.method] = describe(each);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Gapline gateway', version: '1', license: { name: 'MIT' } },
    paths: { ...paths, '/health': { get: health } },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: json(problemSchema, 'output') },
    },
  };
}

const health = {
  summary: 'Whether the process runs',
  tags: ['probes'],
  responses: { 200: { description: 'yes', content: { 'application/json': { schema: { type: 'object' } } } } },
};

function describe({ path, summary, tag, open, needs, body, form, query, replies, problems = [], limit }: Operation) {
  const schema = body && json(body, 'input');
  const content = { 'application/json': { schema }, ...(form && { 'application/x-www-form-urlencoded': { schema } }) };
  const right = needs ? `Needs the right to ${needs.permission} ${needs.resource}. ` : '';
  return {
    summary,
    description: `${right}Counts as "${limit}" for the limits of requests.`,
    tags: [tag],
    security: open ? [] : [{ bearer: [] }],
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(body && { requestBody: { required: true, content } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(replies).map(([status, reply]) => [
          status,
          {
            description: reply.description,
            ...(reply.schema && { content: { 'application/json': { schema: json(reply.schema, 'output') } } }),
          },
        ]),
      ),
      ...refusals([
        ...common,
        ...(open ? [] : ofSignedIn),
        ...(needs ? (['right-missing'] as const) : []),
        ...(body ? (['body-malformed', 'body-too-large', 'media-type-unsupported'] as const) : []),
        ...problems,
      ]),
    },
  };
}

const pathParameters = (path: string) =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));

function queryParameters(query: z.ZodType | undefined) {
  if (!query) return [];
  const { properties = {}, required = [] } = json(query, 'input');
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name), schema },
  }));
}

/** By status, which codes it stands for. */
function refusals(codes: readonly (keyof typeof errorCatalog)[]) {
  const byStatus = new Map<number, Set<string>>();
  for (const code of codes) {
    const { status } = errorCatalog[code];
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  const schema = { $ref: '#/components/schemas/Problem' };
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      status,
      { description: [...named].join(', '), content: { [problemType]: { schema } } },
    ]),
  );
}
