import { withPieces } from './flux.ts';

/** One cell of the dashboard, in the terms of its reader. */
export interface Cell {
  readonly name: string;
  /** What it shows, and what to do when it is bad. Shown in the cell's note. */
  readonly note: string;
  readonly view: View;
  /** In columns of 12, and in rows. */
  readonly width: number;
  readonly height: number;
  readonly query: string;
}

/** How a cell shows what its query finds. */
export type View =
  | { readonly kind: 'number'; readonly suffix: string; readonly decimals: number }
  | { readonly kind: 'line' | 'stacked' | 'bars'; readonly unit: string }
  | { readonly kind: 'heatmap'; readonly unit: string }
  | { readonly kind: 'table'; readonly sortBy: string };

const cell = (name: string, note: string, view: View, size: readonly [number, number], query: string): Cell => ({
  name,
  note,
  view,
  width: size[0],
  height: size[1],
  query,
});

const number = (suffix: string, decimals: number): View => ({ kind: 'number', suffix, decimals });
const line = (unit: string): View => ({ kind: 'line', unit });
const table = (sortBy: string): View => ({ kind: 'table', sortBy });

const readings: readonly Cell[] = [
  cell(
    'Readings a second',
    'Readings in the archive, by their own time.',
    line('readings/s'),
    [6, 3],
    withPieces(`
readings()
    |> filter(fn: (r) => r._field == "gaps")
    |> chosen()
    |> perWindow(fn: count, createEmpty: true)
    |> map(fn: (r) => ({_time: r._time, _value: float(v: r._value) * 1000000000.0 / float(v: int(v: v.windowPeriod))}))
    |> set(key: "_field", value: "readings/s")`),
  ),
  cell(
    'Gap rate',
    'Share of values that were missing, of all fields that ever had one.',
    line('share'),
    [6, 3],
    withPieces(`
fieldCount = length(arr: fieldNames |> findColumn(fn: (key) => true, column: "_value"))
gaps = () => readings() |> filter(fn: (r) => r._field == "gaps") |> chosen()

sumAndCount(of: gaps)
    |> windowMean()
    |> map(fn: (r) => ({_time: r._time, _value: r._value / float(v: fieldCount)}))
    |> set(key: "_field", value: "gap rate")`),
  ),
  cell(
    'Gap rate by field',
    'The fields that are missing most often; 1 is a sensor that said nothing in this time.',
    table('gapRate'),
    [4, 5],
    withPieces(
      `
total = readings()
    |> filter(fn: (r) => r._field == "gaps")
    |> chosen()
    |> count()
    |> group()
    |> sum()
    |> findColumn(fn: (key) => true, column: "_value")
readingCount = if length(arr: total) > 0 then total[0] else 0
present = readings()
    |> filter(fn: (r) => r._field =~ /^v\\./)
    |> chosen()
    |> count()
    |> group()
    |> keep(columns: ["_field", "_value"])

union(tables: [present, fieldNames |> map(fn: (r) => ({_field: r._value, _value: 0}))])
    |> group(columns: ["_field"])
    |> sum()
    |> group()
    |> filter(fn: (r) => readingCount > 0)
    |> map(fn: (r) => ({field: strings.trimPrefix(v: r._field, prefix: "v."), gapRate: 1.0 - float(v: r._value) / float(v: readingCount)}))
    |> sort(columns: ["gapRate"], desc: true)`,
      ['strings'],
    ),
  ),
  cell(
    'The chosen field, raw and completed',
    'Raw: the mean of what was measured. Completed: the mean with what was filled in its gaps.',
    line(''),
    [8, 5],
    withPieces(
      `
name = "v." + v.field
key = string(v: json.encode(v: v.field)) + ":"
pattern = regexp.compile(v: regexp.quoteMeta(v: key) + "-?[0-9.eE+-]+")
raw = () => readings() |> filter(fn: (r) => r._field == name) |> chosen()
filled = () => predictions()
    |> filter(fn: (r) => r._field == "filled")
    |> chosen()
    |> filter(fn: (r) => r._value =~ pattern)
    |> map(fn: (r) => ({r with _value: float(v: strings.trimPrefix(v: regexp.findString(r: pattern, v: r._value), prefix: key))}))
shown = (tables=<-, as) => tables
    |> windowMean()
    |> set(key: "_field", value: as)
    |> group(columns: ["_field"])
completed = union(tables: [sumAndCount(of: raw), sumAndCount(of: filled)])

union(tables: [sumAndCount(of: raw) |> shown(as: "raw"), completed |> shown(as: "completed")])`,
      ['json', 'regexp', 'strings'],
    ),
  ),
];

const predictions: readonly Cell[] = [
  cell(
    'Labels over time',
    'How many readings got each label.',
    { kind: 'stacked', unit: 'labels' },
    [8, 4],
    withPieces(`
predictions()
    |> filter(fn: (r) => r._field == "label")
    |> chosen()
    |> duplicate(column: "_value", as: "label")
    |> group(columns: ["label"])
    |> aggregateWindow(every: v.windowPeriod, fn: count, createEmpty: true)`),
  ),
  cell(
    'Share of labels',
    'Over the whole time that is shown.',
    table('share'),
    [4, 4],
    withPieces(`
counts = predictions()
    |> filter(fn: (r) => r._field == "label")
    |> chosen()
    |> duplicate(column: "_value", as: "label")
    |> group(columns: ["label"])
    |> count()
    |> group()
total = counts |> sum() |> findColumn(fn: (key) => true, column: "_value")

counts
    |> map(fn: (r) => ({label: r.label, readings: r._value, share: float(v: r._value) / float(v: total[0])}))
    |> sort(columns: ["share"], desc: true)`),
  ),
  cell(
    'Probability of the label',
    'How sure the model was: of each device the last reading of each window.',
    { kind: 'heatmap', unit: 'probability' },
    [6, 4],
    withPieces(`
predictions()
    |> filter(fn: (r) => r._field == "probability")
    |> chosen()
    |> aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false)
    |> group()
    |> keep(columns: ["_time", "_value"])`),
  ),
  cell(
    'Latency',
    'From the moment the collector took a reading until it was labelled: half of the readings, and 99 of 100.',
    line('ms'),
    [6, 4],
    withPieces(`
latency = predictions()
    |> filter(fn: (r) => r._field == "latencyMs")
    |> chosen()
    |> group()
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
quantiles = (tables=<-, q, as) => tables
    |> aggregateWindow(every: v.windowPeriod, fn: (column, tables=<-) => tables |> quantile(q: q, column: column), createEmpty: false)
    |> keep(columns: ["_time", "_value"])
    |> set(key: "_field", value: as)
    |> group(columns: ["_field"])

union(tables: [latency |> quantiles(q: 0.5, as: "p50"), latency |> quantiles(q: 0.99, as: "p99")])`),
  ),
];

const scores: readonly Cell[] = [
  cell(
    'Accuracy',
    'Share of right labels, where the truth is known.',
    number('', 4),
    [2, 3],
    withPieces(`
confusion
    |> map(fn: (r) => ({hits: if r.label == r.truth then r.n else 0, n: r.n}))
    |> reduce(identity: {hits: 0, n: 0}, fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, n: accumulator.n + r.n}))
    |> map(fn: (r) => ({_value: float(v: r.hits) / float(v: r.n)}))`),
  ),
  cell(
    'Macro F1',
    'The mean of F1 over all classes that came as truth or as label, as scikit-learn counts it.',
    number('', 4),
    [2, 3],
    withPieces(`
ofTruth = confusion |> map(fn: (r) => ({class: r.truth, hits: if r.truth == r.label then r.n else 0, n: r.n}))
ofLabel = confusion |> map(fn: (r) => ({class: r.label, hits: 0, n: r.n}))

union(tables: [ofTruth, ofLabel])
    |> group(columns: ["class"])
    |> reduce(identity: {hits: 0, n: 0}, fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, n: accumulator.n + r.n}))
    |> group()
    |> map(fn: (r) => ({_value: 2.0 * float(v: r.hits) / float(v: r.n)}))
    |> mean()`),
  ),
  cell(
    'Accuracy over time',
    'Share of right labels, where the truth is known.',
    line('share'),
    [4, 3],
    withPieces(
      `
predictions()
    |> filter(fn: (r) => r._field == "outcome")
    |> chosen()
    |> duplicate(column: "_value", as: "outcome")
    |> group(columns: ["outcome"])
    |> aggregateWindow(every: v.windowPeriod, fn: count, createEmpty: false)
    |> group()
    |> outcomes()
    |> map(fn: (r) => ({_time: r._time, n: r.n, hits: if r.truth == r.label then r.n else 0}))
    |> group(columns: ["_time"])
    |> reduce(identity: {hits: 0, n: 0}, fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, n: accumulator.n + r.n}))
    |> group()
    |> sort(columns: ["_time"])
    |> map(fn: (r) => ({_time: r._time, _value: float(v: r.hits) / float(v: r.n)}))
    |> set(key: "_field", value: "accuracy")`,
    ),
  ),
  cell(
    'Confusion',
    'Rows are the truth, columns the label.',
    table('truth'),
    [4, 3],
    withPieces(`
confusion
    |> keep(columns: ["truth", "label", "n"])
    |> pivot(rowKey: ["truth"], columnKey: ["label"], valueColumn: "n")
    |> sort(columns: ["truth"])`),
  ),
];

const health: readonly Cell[] = [
  cell(
    'Lag',
    'Records that a stage has not taken yet. Growing: give that stage more members.',
    line('records'),
    [4, 4],
    withPieces(`
status()
    |> filter(fn: (r) => r._field == "lag")
    |> group(columns: ["stage"])
    |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)`),
  ),
  cell(
    'Filled fields a reading',
    'The mean number of values that were missing.',
    line('fields'),
    [4, 4],
    withPieces(`
gaps = () => predictions() |> filter(fn: (r) => r._field == "gaps") |> chosen()

sumAndCount(of: gaps)
    |> windowMean()
    |> set(key: "_field", value: "filled fields a reading")`),
  ),
  cell(
    'Model versions',
    'The version that labelled; lowest and highest differ while a swap is under way.',
    line('version'),
    [4, 4],
    withPieces(`
versions = () => predictions() |> filter(fn: (r) => r._field == "version") |> chosen()
lowest = versions() |> perWindow(fn: min, of: min) |> set(key: "_field", value: "lowest")
highest = versions() |> perWindow(fn: max, of: max) |> set(key: "_field", value: "highest")

union(tables: [lowest, highest])
    |> group(columns: ["_field"])`),
  ),
  cell(
    'Last seen by device',
    'The silent ones first.',
    table('lastSeen'),
    [4, 4],
    withPieces(`
readings()
    |> filter(fn: (r) => r._field == "gaps")
    |> chosen()
    |> last()
    |> group()
    |> map(fn: (r) => ({device: r.device, lastSeen: r._time}))
    |> sort(columns: ["lastSeen"])`),
  ),
  cell(
    'Last seen by field',
    'When each field last had a value, on any device. The silent ones first.',
    table('lastSeen'),
    [4, 4],
    withPieces(
      `
readings()
    |> filter(fn: (r) => r._field =~ /^v\\./)
    |> chosen()
    |> last()
    |> group(columns: ["_field"])
    |> max(column: "_time")
    |> group()
    |> map(fn: (r) => ({field: strings.trimPrefix(v: r._field, prefix: "v."), lastSeen: r._time}))
    |> sort(columns: ["lastSeen"])`,
      ['strings'],
    ),
  ),
  cell(
    'Alarms',
    'What the checks of this stream found wrong when they looked last.',
    table('time'),
    [4, 4],
    withPieces(`
from(bucket: "_monitoring")
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "statuses" and r._field == "_message")
    |> filter(fn: (r) => r.stream == v.stream)
    |> group(columns: ["_check_name", "device", "stage"])
    |> sort(columns: ["_time"])
    |> last()
    |> group()
    |> filter(fn: (r) => r._level != "ok")
    |> map(fn: (r) => ({time: r._time, level: r._level, message: r._value}))
    |> sort(columns: ["time"], desc: true)`),
  ),
  cell(
    'Containers: processor',
    'Filled by the compose profile "containers". 100 is one processor.',
    line('%'),
    [6, 3],
    withPieces(`
from(bucket: v.bucket)
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "docker_container_cpu" and r._field == "usage_percent" and r.cpu == "cpu-total")
    |> group(columns: ["container_name"])
    |> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)`),
  ),
  cell(
    'Containers: memory',
    'Filled by the compose profile "containers".',
    line('bytes'),
    [6, 3],
    withPieces(`
from(bucket: v.bucket)
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == "docker_container_mem" and r._field == "usage")
    |> group(columns: ["container_name"])
    |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)`),
  ),
];

/** The cells, in the order of reading: what comes in, what is made of it, how good that is, how the line does. */
export const cells: readonly Cell[] = [...readings, ...predictions, ...scores, ...health];
