import { z } from 'zod';
import { fileName } from './file-name.ts';

/** An ONNX file, as it stands in `model.json`. */
export const onnxEstimatorSchema = z.strictObject({
  kind: z.literal('onnx'),
  file: fileName.describe('the ONNX file'),
  output: z.string().min(1).optional().describe('the output with the probabilities; default: the last that fits'),
  scores: z
    .enum(['probabilities', 'softmax', 'logistic'])
    .default('probabilities')
    .describe('what the output holds: probabilities, or scores that softmax or the logistic function make such'),
});

export type OnnxEstimator = z.output<typeof onnxEstimatorSchema>;
