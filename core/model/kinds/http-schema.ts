import { z } from 'zod';

/** A model server, as it stands in `model.json` or in `stream.yaml`. */
export const httpEstimatorSchema = z.strictObject({
  kind: z.literal('http'),
  url: z.url({ protocol: /^https?$/ }).describe('where the server is, without the path of the protocol'),
  protocol: z
    .enum(['v2', 'mlflow'])
    .default('v2')
    .describe('v2: the Open Inference Protocol (KServe, MLServer, Triton, gapline serve); mlflow: /invocations'),
  model: z.string().min(1).optional().describe("v2: the model's name on the server"),
  input: z.string().min(1).default('input').describe("v2: the input tensor's name"),
  output: z
    .string()
    .min(1)
    .optional()
    .describe('v2: the output tensor with the probabilities; default: the first that fits'),
  timeoutMs: z.int().min(1).max(600_000).default(5_000).describe('how long one request may take'),
  retries: z.int().min(0).max(20).default(2).describe('further tries for failures that may pass'),
  batch: z.int().min(1).max(100_000).default(1_000).describe('rows a request, at most'),
});

export type HttpEstimator = z.output<typeof httpEstimatorSchema>;
