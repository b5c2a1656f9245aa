import { withPieces } from '../flux.ts';
import { type Cell, cell, line, table } from './cell.ts';

/** What the model makes of it. */
export const predictions: readonly Cell[] = [
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
    table({ label: 'label', readings: 'readings', share: 'share, %' }),
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
    |> map(fn: (r) => ({label: r.label, readings: r._value, share: 100.0 * float(v: r._value) / float(v: total[0])}))
    |> sort(columns: ["share"], desc: true)
    |> ranked()`),
  ),
  cell(
    'Probability of the label',
    'How sure the model was: of each device the last reading of each window.',
    { kind: 'heatmap', unit: 'probability, %' },
    [4, 4],
    withPieces(`
predictions()
    |> filter(fn: (r) => r._field == "probability")
    |> chosen()
    |> aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false)
    |> group()
    |> map(fn: (r) => ({_time: r._time, _value: 100.0 * r._value}))`),
  ),
  cell(
    'Rests on gaps',
    'How much the labels depend on what was filled, where the model knows (multiple imputation): the mean, and the highest of each window.',
    line('%'),
    [4, 4],
    withPieces(`
known = () => predictions()
    |> filter(fn: (r) => r._field == "sensitivity")
    |> filter(fn: (r) => r._value >= 0.0)
    |> chosen()
mean = sumAndCount(of: known) |> windowMean() |> set(key: "_field", value: "mean")
highest = known() |> perWindow(fn: max, of: max) |> set(key: "_field", value: "highest")

union(tables: [mean, highest])
    |> map(fn: (r) => ({r with _value: 100.0 * r._value}))
    |> group(columns: ["_field"])`),
  ),
  cell(
    'Latency',
    'From the moment the collector took a reading until it was labelled: half of the readings, and 99 of 100.',
    line('ms'),
    [4, 4],
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
