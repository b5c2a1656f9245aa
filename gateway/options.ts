import { z } from 'zod';
import { defaultLimits } from './http/limits.ts';
import { roles } from './rights/table.ts';

const perMinute = z.int().min(1).max(1_000_000);
const limit = (what: string, fallback: number | Record<(typeof roles)[number], number>) =>
  z
    .union([perMinute, z.strictObject(Object.fromEntries(roles.map((role) => [role, perMinute])))])
    .default(fallback as never)
    .describe(what);

/** The `gateway` part of stream.yaml. */
export const gatewaySchema = z
  .strictObject({
    registration: z
      .enum(['closed', 'open'])
      .default('closed')
      .describe('open: everybody who reaches the gateway may register, with the role user'),
    generator: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        'the control endpoint of `gapline generate --control-port`, such as http://127.0.0.1:8090; its token is GAPLINE_TOKEN',
      ),
    serve: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        'the address of `gapline serve`, such as http://127.0.0.1:8081, which then labels what is asked here; its token is GAPLINE_TOKEN. Default: the gateway labels itself',
      ),
    limits: z
      .strictObject({
        'sign-in': perMinute.default(defaultLimits['sign-in']).describe('sign-ins and registrations of one address'),
        read: limit('requests that only read', defaultLimits.read),
        predict: limit('predictions', defaultLimits.predict),
        sample: limit('predictions of a row of the test data', defaultLimits.sample),
        start: limit('trainings and updates', defaultLimits.start),
        change: limit('other changes', defaultLimits.change),
      })
      .prefault({})
      .describe('requests a minute of one user: a number, or one for each role'),
  })
  .prefault({})
  .describe('users, roles and tasks over HTTP');

export type GatewayConfig = z.infer<typeof gatewaySchema>;
