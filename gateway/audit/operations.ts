import { z } from 'zod';
import { nameSchema, type Operation, operation, wholeNumber } from '../http/operation.ts';
import { type Audit, auditRecordSchema } from './audit.ts';

const read = { resource: 'audit', permission: 'read' } as const;

export function auditOperations({ audit }: { readonly audit: Audit }): Operation[] {
  return [
    operation({
      ...{ method: 'get', path: '/audit', summary: 'Who did what when, newest first', tag: 'audit' },
      ...{ needs: read, limit: 'read' },
      query: z.strictObject({
        limit: wholeNumber(1, 1_000).default(100),
        user: nameSchema.optional().describe('who did it, or in whose name somebody tried to sign in'),
        action: z.string().max(100).optional(),
        before: z.iso.datetime().optional().describe('only older ones'),
      }),
      replies: { 200: { description: 'as kept', schema: z.strictObject({ records: z.array(auditRecordSchema) }) } },
      async handle({ query, demand }) {
        demand(read);
        return { status: 200, body: { records: await audit.read(query) } };
      },
    }),
  ];
}
