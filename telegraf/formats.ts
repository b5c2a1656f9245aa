/** One field of a point, and where in the JSON of a record it is. */
interface Field {
  /** A GJSON path. */
  readonly path: string;
  readonly name: string;
  readonly type: 'float' | 'string';
  /** Whether records may lack it. All others are always there, so that a point written again has nothing stale. */
  readonly optional?: true;
}

/** How Telegraf makes a point of a record of one topic. */
export interface Format {
  readonly timePath: string;
  /** As Telegraf names it: `unix_ns`, or a layout of Go. */
  readonly timeFormat: string;
  readonly tags: readonly string[];
  readonly fields: readonly Field[];
  /** An object of numbers, each of which becomes a field by its own name. */
  readonly numbers?: string;
}

const float = (name: string, path = name): Field => ({ path, name, type: 'float' });
const text = (name: string, path = name): Field => ({ path, name, type: 'string' });
const optional = (field: Field): Field => ({ ...field, optional: true });

/**
 * A prediction as `predictionToPoint` of core/wire makes it a point; a test holds the two together. `@ugly` takes the spaces out of JSON that
 * another program wrote; a truth that is absent becomes an empty string, a sensitivity or a spread
 * that is absent -1.
 */
export const predictionFormat: Format = {
  timePath: 'time',
  timeFormat: 'unix_ns',
  tags: ['device'],
  fields: [
    text('label'),
    float('probability'),
    text('probabilities', 'probabilities|@ugly'),
    text('filled', 'filled|@ugly'),
    float('gaps'),
    text('model', 'model.name'),
    float('version', 'model.version'),
    float('sensitivity', '[sensitivity,!-1]|0'),
    float('spread', '[spread,!-1]|0'),
    text('truth', '[truth,!""]|0'),
    text('outcome', '[truth,label]'),
    text('received'),
    float('latencyMs'),
    optional(text('from')),
    optional(float('samples')),
    optional(float('missing')),
    optional(text('facts', 'facts|@ugly')),
  ],
};

/** What a stage reports of itself, with its counters as fields of their own names. */
export const statusFormat: Format = {
  timePath: 'at',
  timeFormat: '2006-01-02T15:04:05.999999999Z07:00',
  tags: ['stage', 'instance'],
  fields: [
    optional(float('lag')),
    optional(float('latencyP50Ms', 'latency.p50Ms')),
    optional(float('latencyP99Ms', 'latency.p99Ms')),
    optional(text('modelName', 'model.name')),
    optional(float('modelVersion', 'model.version')),
    optional(float('modelChallenger', 'model.challenger')),
    optional(float('spoolRecords', 'spool.records')),
    optional(float('spoolBytes', 'spool.bytes')),
    optional(float('spoolOldestMs', 'spool.oldestMs')),
    optional(float('spoolDrainedPerSecond', 'spool.drainedPerSecond')),
    optional(float('driftPsi', 'drift.psi')),
    optional(float('driftOutside', 'drift.outside')),
    optional(float('driftThreshold', 'drift.threshold')),
    optional(float('driftCount', 'drift.drifted')),
    optional(text('driftFields', 'drift.fields|@ugly')),
    // When it was, so that every status has a field.
    text('reported', 'at'),
    text('lastError', '[lastError.message,!""]|0'),
  ],
  numbers: 'counters',
};

/** Renders a format as the tables of Telegraf's `json_v2` parser under an input. */
export function renderFormat(input: string, stream: string, format: Format): string {
  const parser = `inputs.${input}.json_v2`;
  const paths = ['stream', ...format.tags].map((path) => table(`[[${parser}.tag]]`, { path }));
  const fields = format.fields.map(({ path, name, type, optional }) =>
    table(`[[${parser}.field]]`, { path, rename: name, type, optional }),
  );
  return [
    '  data_format = "json_v2"',
    '  # Other streams may share the topic; the name of the stream itself is no tag of its points.',
    '  tagexclude = ["stream"]',
    table(`[inputs.${input}.tagpass]`, { stream: [stream] }),
    table(`[[${parser}]]`, { timestamp_path: format.timePath, timestamp_format: format.timeFormat }),
    ...paths,
    ...fields,
    ...(format.numbers ? [table(`[[${parser}.object]]`, { path: format.numbers, optional: true })] : []),
  ].join('\n');
}

/** A table of TOML, whose strings and lists of strings are written as those of JSON. */
export function table(header: string, entries: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(entries).filter(([, value]) => value !== undefined);
  return [`  ${header}`, ...given.map(([key, value]) => `    ${key} = ${JSON.stringify(value)}`)].join('\n');
}
