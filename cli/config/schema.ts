import { z } from 'zod';
import { alertsSchema } from '../../alerts/rules/schema.ts';
import { timeUnits } from '../../core/dataset/time-cell.ts';
import { stepsSchema } from '../../core/steps/registry.ts';
import { gatewaySchema } from '../../gateway/options.ts';
import { aboutGapPatterns, gapPatterns } from '../../generator/gaps/choose.ts';
import { trainingSchema } from '../../training/options.ts';

const name = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'letters, digits, dot, dash and underscore, at most 100')
    .describe(what);
/** A version of a model: a name that moves, a number, or a run of MLflow. */
const versionName = (what: string) =>
  z
    .string()
    .regex(
      /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}|runs:\/[A-Za-z0-9_-]{1,64}(?:\/model)?)$/,
      'an alias or a number: letters, digits, dot, dash and underscore, at most 100; or, with MLflow, runs:/ID',
    )
    .describe(what);
const isRun = (named: string) => named.startsWith('runs:/');
const path = (what: string) => z.string().min(1).describe(`${what}; relative to this file`);
const paths = (what: string) =>
  z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(10_000)])
    .describe(`${what}; relative to this file`);
const columns = (what: string) => z.array(z.string().min(1)).min(1).max(5_000).optional().describe(what);
const share = (what: string) => z.number().min(0).max(1).describe(what);
const count = (what: string, max = 1_000_000) => z.int().min(1).max(max).describe(what);

const topics = z
  .strictObject({
    readings: name('topic of the readings; default STREAM.readings').optional(),
    predictions: name('topic of the predictions; default STREAM.predictions').optional(),
  })
  .prefault({})
  .describe('names of the topics');

const data = z
  .strictObject({
    train: paths(
      'table to train from: CSV in any layout, gzipped or not, or Parquet; or a list of files of one table',
    ).optional(),
    replay: paths('table for the generator to replay; default: the one to train from').optional(),
    truth: z.string().min(1).optional().describe('column of the true label'),
    facts: path('facts of the devices in the data sets: NDJSON, as `POST /facts` takes it').optional(),
    device: z
      .string()
      .min(1)
      .optional()
      .describe(
        'column that names the device; default: one called so (device, sensor, machine…), else devices are dealt out in turn',
      ),
    time: z
      .string()
      .min(1)
      .optional()
      .describe(
        'column of the time; default: one called so (timestamp, time, date…), else the generator spaces readings by its rate',
      ),
    endsSegment: z
      .string()
      .min(1)
      .optional()
      .describe('column that is true, or 1, in the last row of a segment, for steps; default: one called endsSegment'),
    clock: z
      .string()
      .min(1)
      .optional()
      .describe('column of the time of day, where the time is a date alone; default: one called so'),
    fields: z
      .array(z.string().min(1))
      .min(1)
      .max(5_000)
      .optional()
      .describe('columns that are values; default: every column that measures something'),
    keep: columns('columns to take as values although they look like a counter, an id or a time'),
    drop: columns('columns to leave out'),
    gap: columns('words of cells that stand for a gap, such as missing or -999, beside the usual ones'),
    decimal: z
      .enum(['.', ','])
      .optional()
      .describe('how numbers are written; default: as the first cell that can be read in one way only'),
    parameter: z
      .string()
      .min(1)
      .optional()
      .describe('of a table in long form, the column that names each value; `value` names the other one'),
    value: z.string().min(1).optional().describe('of a table in long form, the column of the values'),
    timeUnit: z
      .enum(timeUnits)
      .optional()
      .describe(
        'what times count that are numbers; excel: days of a spreadsheet, date: digits such as 20260131; default: by their size',
      ),
  })
  .prefault({})
  .describe('the data sets; columns of numbers that are not named here are the values');

const gaps = z
  .strictObject({
    rate: share('share of the values that go missing, in the long run').default(0.1),
    pattern: z.enum(gapPatterns).default('random').describe(aboutGapPatterns),
    length: z.number().min(1).max(100_000).default(10).describe('mean length of a burst or a silence, in readings'),
  })
  .prefault({})
  .describe('how values are masked');

const facts = z
  .record(
    name('a kind of fact'),
    z
      .strictObject({
        values: z
          .array(z.string().min(1))
          .max(1_000)
          .default([])
          .describe('the names of what it says, beside that it holds'),
      })
      .nullable()
      .transform((kind) => kind ?? { values: [] }),
  )
  .optional()
  .describe('kinds of facts that other systems tell of devices, for gate and join; default: the stream takes none')
  .meta({ values: 'by kind, `values: [NAME, …]`' });

const generator = z
  .strictObject({
    simulate: path(
      'module that simulates the devices in place of a replay: its default export makes a source of a seed',
    ).optional(),
    samples: z
      .boolean()
      .default(false)
      .describe(
        'replay a table that was sampled regularly as records of a second of samples; `rate` then counts records',
      ),
    devices: count('devices to replay as', 100_000).default(20),
    rate: z
      .number()
      .min(0)
      .max(10_000_000)
      .default(50)
      .describe('readings a second in all; 0 is as fast as they are taken'),
    batch: count('readings a POST; above 1 they travel as NDJSON', 10_000).default(1),
    concurrency: count('requests under way at once', 1_000).default(8),
    repeat: z.boolean().default(true).describe('begin again at the end of the data set'),
    seed: z.int().min(0).max(4_294_967_295).default(1).describe('decides which values go missing'),
    gaps,
  })
  .prefault({})
  .describe('the devices of the example');

const training = trainingSchema.prefault({}).describe('how a new version of the model is made');

const model = z
  .strictObject({
    name: name('name of the model; default: the stream’s').optional(),
    alias: versionName('which version serves: an alias, a number, or `runs:/ID`, a run of MLflow').default('champion'),
    challenger: versionName('which version labels the same readings in the shadow: as `alias`').default('challenger'),
    folder: path('where models live').default('models'),
    registry: z
      .enum(['folder', 'mlflow'])
      .default('folder')
      .describe('what keeps the versions: the folder, or MLflow 3 at `url`'),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('of MLflow: its address; user and password or token are in the environment'),
    experiment: name('of MLflow: where `gapline train` logs its runs; default: the name of the model').optional(),
    cacheVersions: z
      .int()
      .min(0)
      .max(1_000)
      .default(5)
      .describe('of MLflow: how many versions are kept in `folder`, for a start while MLflow is unavailable; 0: none'),
    cacheMegabytes: z
      .number()
      .min(1)
      .max(1_000_000)
      .default(4_000)
      .describe('of MLflow: how large these may be together; the newest is kept whatever its size'),
  })
  .refine(({ registry, url }) => registry !== 'mlflow' || url !== undefined, {
    path: ['url'],
    error: 'missing: it is the address of MLflow, such as http://127.0.0.1:5000',
  })
  .refine(({ registry, alias, challenger }) => registry === 'mlflow' || ![alias, challenger].some(isRun), {
    path: ['registry'],
    error: '`runs:/ID` names a run of MLflow; set `registry: mlflow` and `url`, or name a version or an alias',
  })
  .prefault({})
  .describe('the model that labels');

const log = z
  .strictObject({
    partitions: count('partitions of each topic; more let more members share the work', 1_000).default(12),
    retentionDays: z.number().min(0.001).max(3_650).default(7).describe('how long the log keeps records, in days'),
    retentionMegabytes: z
      .number()
      .min(1)
      .max(1_000_000)
      .default(2_000)
      .describe('how much the embedded log keeps, in MB; never past an uncommitted group'),
    flush: z
      .boolean()
      .default(false)
      .describe('whether Kafka writes each batch to the disk before it acknowledges; the embedded log always does'),
    compress: z
      .boolean()
      .default(true)
      .describe(
        'whether the embedded log compresses older records as far as is worth it, or as quickly as can be; nothing is lost by it',
      ),
  })
  .prefault({})
  .describe('the event log');

const store = z
  .strictObject({
    retentionDays: z
      .number()
      .min(0.001)
      .max(3_650)
      .default(30)
      .describe('how long the embedded store keeps a point after it was written, in days'),
    compress: z
      .boolean()
      .default(true)
      .describe('whether the embedded store compresses older points in the background; nothing is lost by it'),
  })
  .prefault({})
  .describe('the archive of readings; a bucket of InfluxDB has its own retention');

const collector = z
  .strictObject({
    maxAheadSeconds: z
      .number()
      .min(0)
      .max(31_536_000)
      .default(3_600)
      .describe("how far ahead of the collector's clock a reading's time may be, in seconds"),
    acknowledge: z
      .enum(['log', 'disk'])
      .default('log')
      .describe(
        'when `gapline collect` acknowledges small requests: when the log has them, or when its own disk has; that is quicker, and the log gets them in larger batches',
      ),
    deviceTag: z.string().min(1).default('device').describe('the tag of line protocol that names the device'),
    measurement: z
      .string()
      .min(1)
      .optional()
      .describe('the only measurement of line protocol that is taken; default: any'),
  })
  .prefault({})
  .describe('the HTTP endpoint for devices');

const classifier = z
  .strictObject({
    driftThreshold: z
      .number()
      .min(0)
      .max(100)
      .default(0.2)
      .describe('population stability index above which a field counts as drifted'),
  })
  .prefault({})
  .describe('the stage that labels');

/** All of `stream.yaml`. Every option is declared here once: type, unit, default and text. */
export const configSchema = z
  .strictObject({
    stream: name('what kind of reading this is; begins the names of topics and measurements'),
    topics,
    data,
    facts,
    steps: stepsSchema.prefault([]),
    generator,
    collector,
    classifier,
    alerts: alertsSchema.prefault({}).describe('what raises an alert, and who is told'),
    log,
    store,
    training,
    model,
    gateway: gatewaySchema,
  })
  .meta({ title: 'stream.yaml', description: 'What one stream of Gapline is.' });

export type Config = z.infer<typeof configSchema>;
