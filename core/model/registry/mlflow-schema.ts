import { z } from 'zod';
import { GaplineError } from '../../wire/errors.ts';
import { firstIssue } from '../../wire/issue.ts';
import { validate } from '../../wire/validate.ts';

const pair = z.object({ key: z.string(), value: z.string().default('') });
const version = z.object({
  version: z.coerce.number().int().min(1),
  source: z.string().default(''),
  run_id: z.string().default(''),
  status: z.string().default('READY'),
  tags: z.array(pair).default([]),
});

/** The parts of MLflow's responses that are used. */
export const responses = {
  model: z.object({
    registered_model: z.object({
      aliases: z.array(z.object({ alias: z.string(), version: z.coerce.number().int() })).default([]),
    }),
  }),
  versions: z.object({
    model_versions: z.array(version).default([]),
    next_page_token: z.string().optional(),
  }),
  version: z.object({ model_version: version }),
  experiment: z.object({ experiment: z.object({ experiment_id: z.string() }) }),
  newExperiment: z.object({ experiment_id: z.string() }),
  run: z.object({ run: z.object({ info: z.object({ run_id: z.string(), artifact_uri: z.string() }) }) }),
  loggedModel: z.object({ model: z.object({ info: z.object({ artifact_uri: z.string() }) }) }),
  files: z.object({ files: z.array(z.object({ path: z.string() })).default([]) }),
} as const;

export type MlflowVersion = z.infer<typeof version>;

/** @throws {GaplineError} `registry-refused` where MLflow responds with something else */
export function readResponse<T extends z.ZodType>(schema: T, json: unknown, what: string): z.infer<T> {
  const { success, data, error } = validate(schema, json);
  if (success) return data;
  throw new GaplineError('registry-refused', `MLflow's response to ${what} cannot be read: ${firstIssue(error)}`, {
    retryable: false,
  });
}
