import { z } from 'zod';
import { stepsSchema } from '../steps/registry.ts';
import { histogramSchema } from './histogram-schema.ts';
import { fittedImputerSchema } from './impute/fitted.ts';
import { fileName } from './kinds/file-name.ts';
import { estimatorSchema } from './kinds/open-estimator.ts';

/** The first key of every `model.json`, by which a file is known as ours. */
export const modelFormat = 'gapline-model';

/** What {@link ./artifact.ts} writes. Older versions are read too; newer ones are refused. */
export const modelFormatVersion = 2;

const share = z.number().min(0).max(1);
const count = z.int().min(0);

const scoresOfFold = {
  rows: count,
  accuracy: share,
  f1: share,
  weightedF1: share.describe('F1 by class, weighted by how many rows the class has'),
  youden: z
    .number()
    .min(-1)
    .max(1)
    .describe("Youden's J: the mean over the classes of true positive rate less false positive rate"),
};

const metricsSchema = z.strictObject({
  on: z
    .enum(['holdout', 'test', 'folds', 'import'])
    .describe(
      'holdout: a fifth of the training data, kept apart; test: data given for it; folds: each row of the training data by a model of the other folds; import: what came with a model made elsewhere',
    ),
  rows: count,
  accuracy: share,
  f1: share.describe('macro F1: the mean over the classes'),
  confusion: z.array(z.array(count)).describe('confusion[truth][label], in the order of the classes'),
  byGapRate: z
    .array(z.strictObject({ rate: share, rows: count, accuracy: share, f1: share }))
    .optional()
    .describe('on so many of the rows, with that share of their values masked at random, on top of their gaps'),
  reliability: z
    .array(z.strictObject({ rows: count.min(1), probability: share, accuracy: share }))
    .optional()
    .describe(
      'by tenths of the probability of the label: how probable labels were on average, and how many were right',
    ),
  outOfBag: z
    .strictObject({ accuracy: share, rows: count.min(1) })
    .optional()
    .describe('of a forest: each training row predicted by the trees that did not see it'),
  crossValidation: z
    .strictObject({
      by: z.enum(['device', 'row']).describe('what is in one fold as a whole'),
      folds: z.array(z.strictObject(scoresOfFold)).min(2),
      all: z.strictObject(scoresOfFold).describe('of all rows, each predicted by the model of the other folds'),
    })
    .optional()
    .describe('of models that learnt from the other folds; the model itself learnt from all rows'),
});

const selfTestSchema = z
  .strictObject({
    values: z.array(z.array(z.number().nullable())).describe('by row, by field; null is a gap'),
    labels: z.array(z.int().min(-1)).describe('by row: index of the class, -1 for unknown'),
    probabilities: z.array(z.array(share)).describe('by row, by class'),
  })
  .describe('rows and what the model must predict for them when it is loaded');

const lineageSchema = z.strictObject({
  data: z.strictObject({
    source: z.string().describe('name of the file, or the range of the archive'),
    rows: count,
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('of fields, values and labels'),
  }),
  seed: z.int(),
  options: z.record(z.string(), z.unknown()).describe('the options of the training'),
});

/** All of `model.json`. */
export const manifestSchema = z
  .strictObject({
    format: z.literal(modelFormat),
    formatVersion: z.int().min(1).max(modelFormatVersion),
    name: z.string().min(1),
    version: z.int().min(1),
    created: z.iso.datetime(),
    fields: z.array(z.string().min(1)).min(1).describe('the columns of a row, in order'),
    channels: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'with `steps`: the values of a reading that they take, in order; `fields` are the columns that they give',
      ),
    steps: stepsSchema
      .optional()
      .describe('what makes rows of readings, before the imputer; without it a reading is a row'),
    series: z
      .strictObject({
        channels: z.array(z.string().min(1)).min(1).describe('their names, in order'),
        length: z.int().min(2).describe('samples of each channel'),
      })
      .optional()
      .describe(
        'where a row is the samples of a window or a whole segment, channel after channel; `histograms` are then by channel',
      ),
    classes: z.array(z.string().min(1)).min(2).describe('the labels, in the order of the probabilities'),
    imputer: z
      .discriminatedUnion('kind', [fittedImputerSchema, z.strictObject({ kind: z.literal('passthrough') })])
      .describe('what fills gaps; passthrough: the estimator takes them itself'),
    indicators: z
      .boolean()
      .optional()
      .describe(
        'missing indicators: after its values the estimator gets for each field whether it was missing, 1 or 0',
      ),
    maxGaps: count.optional().describe('a row with more gaps than this gets no label'),
    estimator: estimatorSchema,
    neighbours: z
      .strictObject({
        file: fileName.describe('a reference set of training rows, and the learned metric; gzipped'),
        share: share
          .gt(0)
          .describe(
            'their ensemble weight s where nothing is missing; where a share k of the fields was measured, s / (s + (1 - s) k^2)',
          ),
      })
      .optional()
      .describe('training rows that vote beside the estimator, by distances over what was measured'),
    importance: z
      .array(share)
      .optional()
      .describe('by field, summing to one: how much of the impurity its splits take away'),
    metrics: metricsSchema,
    selfTest: selfTestSchema,
    histograms: z.array(histogramSchema).describe('by field: how the training data was spread, to see drift'),
    lineage: lineageSchema,
  })
  .meta({ title: 'model.json' });

export type Manifest = z.infer<typeof manifestSchema>;
export type Metrics = Manifest['metrics'];
export type SelfTest = Manifest['selfTest'];
/** What is wrong with the parts of a manifest taken together; undefined where they fit. */
export function misfit(manifest: Manifest): string | undefined {
  const { fields, classes, imputer, importance, selfTest, histograms } = manifest;
  const width = fields.length;
  const reason = misfitOfSteps(manifest);
  if (reason !== undefined) return reason;
  if (manifest.series && manifest.series.channels.length * manifest.series.length !== width)
    return `series: ${manifest.series.channels.length} channels of ${manifest.series.length} samples for ${width} fields`;
  if (new Set(fields).size !== width) return 'fields: a name is there twice';
  if (new Set(classes).size !== classes.length) return 'classes: a name is there twice';
  if ('fill' in imputer && imputer.fill.length !== width)
    return `imputer.fill: ${imputer.fill.length} values for ${width} fields`;
  if (importance && importance.length !== width) return `importance: ${importance.length} values for ${width} fields`;
  const watched = manifest.series ? manifest.series.channels.length : width;
  if (histograms.length !== watched)
    return `histograms: ${histograms.length} for ${watched} ${manifest.series ? 'channels' : 'fields'}`;
  if (histograms.some(({ edges, counts }) => counts.length !== edges.length + 1))
    return 'histograms: counts must be one more than edges';
  const { values, labels, probabilities } = selfTest;
  if (labels.length !== values.length || probabilities.length !== values.length)
    return 'selfTest: values, labels and probabilities must be equally many';
  if (values.some((row) => row.length !== width)) return `selfTest.values: each row needs ${width} values`;
  if (probabilities.some((row) => row.length !== classes.length))
    return `selfTest.probabilities: each row needs ${classes.length}`;
  return undefined;
}

function misfitOfSteps({ formatVersion, channels, steps }: Manifest): string | undefined {
  if ((channels === undefined) !== (steps === undefined)) return 'steps and channels: one is there without the other';
  if (steps && formatVersion < 2) return 'steps: there are none in format version 1';
  if (channels && new Set(channels).size !== channels.length) return 'channels: a name is there twice';
  return undefined;
}
