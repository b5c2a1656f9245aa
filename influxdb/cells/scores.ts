import { unknownLabel } from '../../core/wire/prediction.ts';
import { allDotsOf, withPieces } from '../flux.ts';
import { type Cell, cell, line, number, shares, table } from './cell.ts';

/** How right the labels are, where the truth is known. */
export const scores: readonly Cell[] = [
  cell(
    'Accuracy',
    'Share of right labels, where the truth is known.',
    number(' %', 2),
    [2, 3],
    withPieces(`
confusion
    |> map(fn: (r) => ({hits: if r.label == r.truth then r.n else 0, n: r.n}))
    |> reduce(identity: {hits: 0, n: 0}, fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, n: accumulator.n + r.n}))
    |> map(fn: (r) => ({_value: 100.0 * float(v: r.hits) / float(v: r.n)}))`),
  ),
  cell(
    'Macro F1',
    'The mean of F1 over all classes that came as truth or as label, as scikit-learn counts it; a declined label is of no class.',
    number('', 4),
    [2, 3],
    withPieces(`
ofTruth = confusion |> map(fn: (r) => ({class: r.truth, hits: if r.truth == r.label then r.n else 0, all: r.n, n: r.n}))
ofLabel = confusion |> map(fn: (r) => ({class: r.label, hits: 0, all: 0, n: r.n}))

union(tables: [ofTruth, ofLabel])
    |> group(columns: ["class"])
    |> reduce(
        identity: {hits: 0, all: 0, n: 0},
        fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, all: accumulator.all + r.all, n: accumulator.n + r.n}),
    )
    |> filter(fn: (r) => r.class != "${unknownLabel}" or r.all > 0)
    |> group()
    |> map(fn: (r) => ({_value: 2.0 * float(v: r.hits) / float(v: r.n)}))
    |> mean()`),
  ),
  cell(
    'Accuracy over time',
    'Share of right labels, where the truth is known.',
    line('%'),
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
    |> map(fn: (r) => ({_time: r._time, _value: 100.0 * float(v: r.hits) / float(v: r.n)}))
    |> set(key: "_field", value: "accuracy")`,
    ),
  ),
  cell(
    'Confusion',
    'Rows are the truth, columns the label.',
    table({ truth: 'truth' }),
    [4, 3],
    withPieces(
      `
// A join refuses an empty table.
nothing = array.from(rows: [{one: 1, truth: "", label: ""}])
pairs = union(tables: [confusion |> map(fn: (r) => ({one: 1, truth: r.truth, label: r.label})), nothing])
// A pair that never came is 0: the page would show "null".
never = join.inner(
    left: pairs |> unique(column: "truth"),
    right: pairs |> unique(column: "label"),
    on: (l, r) => l.one == r.one,
    as: (l, r) => ({truth: l.truth, label: r.label, n: 0}),
)
    |> filter(fn: (r) => r.truth != "" and r.label != "")

union(tables: [confusion |> keep(columns: ["truth", "label", "n"]), never])
    |> group(columns: ["truth", "label"])
    |> sum(column: "n")
    |> group()
    |> sort(columns: ["truth", "label"])
    |> pivot(rowKey: ["truth"], columnKey: ["label"], valueColumn: "n")
    |> ranked()`,
      ['array', 'join'],
    ),
  ),
  cell(
    'Calibration',
    'Share of right labels by the probability of the label. Below the ideal the model is surer than it may be.',
    shares('probability', 'right labels, %'),
    [6, 3],
    withPieces(
      `
labels = predictions()
    |> filter(fn: (r) => r._field == "outcome" or r._field == "probability")
    |> chosen()
    |> schema.fieldsAsCols()
    |> filter(fn: (r) => exists r.outcome and exists r.probability)
    |> calibrationOf(outcome: "outcome", probability: "probability", as: "share of right labels")

dots = union(tables: [labels, ideal])

${allDotsOf('dots', 'probability')}`,
      ['influxdata/influxdb/schema'],
    ),
  ),
];
