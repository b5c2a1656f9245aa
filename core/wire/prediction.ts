import { z } from 'zod';
import { nanosecondsSchema } from './reading.ts';

const shapeletSchema = z.strictObject({
  channel: z.string().describe('the channel that it was found in'),
  at: z.int().min(0).describe('the first sample of the window that it lies over'),
  step: z.int().min(1).describe('samples from one of its values to the next'),
  of: z.int().min(2).describe('samples of the whole window'),
  share: z.number().min(0).max(1).describe('its share of all that speaks for the label'),
  values: z.array(z.number()).min(1).describe('as they were learnt'),
});

/** The label of one reading, with what was filled. */
export const predictionSchema = z
  .strictObject({
    stream: z.string().min(1),
    device: z.string().min(1),
    time: nanosecondsSchema.describe(
      "the reading's time, of a window its end: nanoseconds since the Unix epoch, as a decimal string",
    ),
    from: nanosecondsSchema.optional().describe('of a window: where it begins, as `time`'),
    samples: z.int().min(0).optional().describe('of a window: how many times were sampled'),
    missing: z.int().min(0).optional().describe('of a window: values that are missing, over all channels'),
    shapelet: shapeletSchema
      .optional()
      .describe('of a window that shapelets labelled: the one that spoke most for the label, where it fits best'),
    label: z.string().describe('the most probable class, or "unknown" where the model declined'),
    probability: z.number().min(0).max(1).describe('the probability of the label'),
    probabilities: z.record(z.string(), z.number().min(0).max(1)).describe('by class; they sum to one'),
    filled: z.record(z.string(), z.number()).describe('the values that stood in for gaps, by name'),
    gaps: z.int().min(0).describe('how many values were missing'),
    model: z.strictObject({ name: z.string(), version: z.int().min(1) }),
    sensitivity: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe('how much the label depends on what was filled, where the model knows: 0 not at all'),
    spread: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        'of an ensemble: how far its models part, the mean over them of half the sum over the classes of |probability - mean probability|; 0: all predict the same',
      ),
    facts: z
      .record(z.string(), nanosecondsSchema)
      .optional()
      .describe('the facts that it rests on: by kind, when the fact begins, as `time`; they are of this device'),
    truth: z.string().optional().describe('the true label, when the source knew it; never used to predict'),
    received: nanosecondsSchema.describe('when the collector took the reading: nanoseconds, as a decimal string'),
    latencyMs: z.number().describe('from received to labelled, in milliseconds'),
  })
  .meta({ title: 'Prediction' });

export type Prediction = z.infer<typeof predictionSchema>;

/** The label of a reading that a model declined to guess. */
export const unknownLabel = 'unknown';
