import { z } from 'zod';
import { nameSchema } from '../http/operation.ts';
import { roles } from '../rights/table.ts';
import type { User } from './users.ts';

export const grantSchema = z.strictObject({
  role: z.enum(roles),
  stream: z.union([z.literal('*'), nameSchema]).describe('the stream that it is for; * is every one'),
});

export const userSchema = z
  .strictObject({
    username: nameSchema,
    disabled: z.boolean(),
    created: z.iso.datetime(),
    roles: z.array(grantSchema),
  })
  .meta({ title: 'User' });

/** A user as others see it: never the password. */
export function userView({ name, disabled, created, grants }: User): z.infer<typeof userSchema> {
  return { username: name, disabled, created, roles: [...grants] };
}
