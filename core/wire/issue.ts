import type { z } from 'zod';
import { shorten } from './problem.ts';

/** Where a value first differs from its schema, and how, on one line. */
export function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues;
  if (!issue) return 'it differs from its schema';
  const { path, message } = issue;
  const reason = message.endsWith('received undefined') ? 'it is missing' : shorten(message, 200);
  return `${shorten(path.join('.')) || 'the whole'}: ${reason}`;
}
