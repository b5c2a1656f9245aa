/** Which rooms a room's files may import, beside itself: data flows one way, stages meet only in the log and the store. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  'core/wire': [],
  'core/stage': ['core/wire'],
  'core/retry': ['core/wire'],
  'core/numeric': ['core/wire'],
  'core/statistics': ['core/wire'],
  'core/http': ['core/wire'],
  'core/log': ['core/wire', 'core/retry'],
  'core/store': ['core/wire', 'core/retry'],
  'core/model': ['core/wire', 'core/retry', 'core/numeric', 'core/statistics'],
  'core/access': ['core/wire', 'core/http'],
  'core/dataset': ['core/wire', 'core/numeric'],
  generator: ['core/wire', 'core/retry', 'core/stage', 'core/numeric', 'core/dataset'],
  collector: [
    'core/wire',
    'core/retry',
    'core/stage',
    'core/http',
    'core/statistics',
    'core/log',
    'core/store',
    'core/access',
  ],
  classifier: ['core/wire', 'core/retry', 'core/stage', 'core/numeric', 'core/statistics', 'core/log', 'core/model'],
  serving: ['core/wire', 'core/stage', 'core/http', 'core/numeric', 'core/model', 'core/access'],
  training: ['core/wire', 'core/numeric', 'core/statistics', 'core/store', 'core/model', 'core/dataset'],
  dashboard: ['core/wire', 'core/retry', 'core/stage', 'core/http', 'core/statistics', 'core/log', 'core/access'],
  telegraf: ['core/wire'],
  influxdb: ['core/wire'],
};

/** These stand outside the line and may see all of it. */
export const mayImportAll: readonly string[] = ['cli', 'bench', 'test', 'docs', 'scripts', 'examples'];

/** What lives in each room, in a few words: shown in the picture of `ARCHITECTURE.md`. */
export const contents: Readonly<Record<string, string>> = {
  'core/wire': 'what travels: schemas, error codes, time',
  'core/stage': 'how a stage starts, fails and stops',
  'core/retry': 'delays between attempts, sleep',
  'core/numeric': 'arrays, seeded random, WebAssembly',
  'core/statistics': 'latency, confusion, F1',
  'core/http': 'listener, TLS, problem answers',
  'core/log': 'the event log: SQLite, Kafka',
  'core/store': 'the archive: SQLite, InfluxDB',
  'core/model': 'imputers, forests, neighbours',
  'core/access': 'tokens, guard, sessions',
  'core/dataset': 'tables as readings',
  generator: 'devices that replay a table',
  collector: 'HTTP in, spool, archive',
  classifier: 'readings in, predictions out',
  serving: 'the model over HTTP',
  training: 'data in, a model version out',
  dashboard: 'the live page',
  telegraf: 'its configuration',
  influxdb: 'the dashboard template',
  cli: 'the gapline command: reads the configuration and wires the stages together',
};
