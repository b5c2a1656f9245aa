import { unknownLabel } from '../../core/wire/prediction.ts';
import { allDotsOf, withPieces } from '../flux.ts';
import { type Cell, cell, line, number, shares, table } from './cell.ts';

/** A challenger beside the champion, over the readings that both labelled. Empty where no model has the alias `challenger`. */
export const shadow: readonly Cell[] = [
  cell(
    'Calibration of champion and challenger',
    'As above, of the readings that both labelled. Nearer the ideal is better.',
    shares('probability', 'right labels, %'),
    [4, 3],
    withPieces(`
sideOf = (tables=<-, as) => tables
    |> filter(fn: (r) => r._field == "outcome" or r._field == "probability")
    |> chosen()
    |> set(key: "side", value: as)
    |> keep(columns: ["_time", "_value", "_field", "device", "side"])
    |> group(columns: ["_field", "device", "side"])
both = union(tables: [predictions() |> sideOf(as: "champion"), shadow() |> sideOf(as: "challenger")])
    |> pivot(rowKey: ["_time"], columnKey: ["side", "_field"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.champion_outcome and exists r.challenger_outcome)
    |> filter(fn: (r) => exists r.champion_probability and exists r.challenger_probability)
champion = both |> calibrationOf(outcome: "champion_outcome", probability: "champion_probability", as: "champion")
challenger = both |> calibrationOf(outcome: "challenger_outcome", probability: "challenger_probability", as: "challenger")

dots = union(tables: [champion, challenger, ideal])

${allDotsOf('dots', 'probability')}`),
  ),
  cell(
    'Agreement',
    'Share of readings that champion and challenger give the same label.',
    number(' %', 2),
    [2, 3],
    withPieces(`
duel
    |> map(fn: (r) => ({agreed: if r.champion == r.challenger then r.n else 0, n: r.n}))
    |> reduce(identity: {agreed: 0, n: 0}, fn: (r, accumulator) => ({agreed: accumulator.agreed + r.agreed, n: accumulator.n + r.n}))
    |> filter(fn: (r) => r.n > 0)
    |> map(fn: (r) => ({_value: 100.0 * float(v: r.agreed) / float(v: r.n)}))`),
  ),
  cell(
    'Spread of ensembles',
    'How far the models inside a champion or challenger part, on average, where it is a snapshot ensemble: 0 where all predict the same.',
    line('%'),
    [3, 3],
    withPieces(`
spreadOf = (of, as) => {
    known = () => of
        |> filter(fn: (r) => r._field == "spread")
        |> filter(fn: (r) => r._value >= 0.0)
        |> chosen()

    return sumAndCount(of: known) |> windowMean() |> set(key: "_field", value: as)
}

union(tables: [spreadOf(of: predictions(), as: "champion"), spreadOf(of: shadow(), as: "challenger")])
    |> map(fn: (r) => ({r with _value: 100.0 * r._value}))
    |> group(columns: ["_field"])`),
  ),
  cell(
    'Champion and challenger',
    'Over the readings of known truth that both labelled. Better in both columns: promote it.',
    table({ model: 'model', readings: 'readings', accuracy: 'accuracy, %', f1: 'macro F1' }),
    [3, 3],
    withPieces(`
scored = union(
    tables: [
        duel |> map(fn: (r) => ({model: "champion", outcome: r.champion, _value: r.n})),
        duel |> map(fn: (r) => ({model: "challenger", outcome: r.challenger, _value: r.n})),
    ],
)
    |> group(columns: ["model", "outcome"])
    |> sum()
    |> group()
    |> outcomes()
ofTruth = scored |> map(fn: (r) => ({model: r.model, class: r.truth, hits: if r.truth == r.label then r.n else 0, all: r.n, n: r.n}))
ofLabel = scored |> map(fn: (r) => ({model: r.model, class: r.label, hits: 0, all: 0, n: r.n}))

union(tables: [ofTruth, ofLabel])
    |> group(columns: ["model", "class"])
    |> reduce(
        identity: {hits: 0, all: 0, n: 0},
        fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, all: accumulator.all + r.all, n: accumulator.n + r.n}),
    )
    |> filter(fn: (r) => r.class != "${unknownLabel}" or r.all > 0)
    |> group(columns: ["model"])
    |> reduce(
        identity: {hits: 0, readings: 0, f1: 0.0, classes: 0.0},
        fn: (r, accumulator) => ({
            hits: accumulator.hits + r.hits,
            readings: accumulator.readings + r.all,
            f1: accumulator.f1 + 2.0 * float(v: r.hits) / float(v: r.n),
            classes: accumulator.classes + 1.0,
        }),
    )
    |> group()
    |> map(fn: (r) => ({model: r.model, readings: r.readings, accuracy: 100.0 * float(v: r.hits) / float(v: r.readings), f1: r.f1 / r.classes}))
    |> sort(columns: ["model"])
    |> ranked()`),
  ),
  cell(
    'Accuracy of champion and challenger',
    'Share of right labels of the readings that both labelled, where the truth is known.',
    line('%'),
    [3, 3],
    withPieces(`
counts = paired(field: "outcome")
    |> group(columns: ["champion", "challenger"])
    |> duplicate(column: "champion", as: "_value")
    |> aggregateWindow(every: v.windowPeriod, fn: count, createEmpty: false)
    |> group()
rightOf = (tables=<-, as) => tables
    |> outcomes()
    |> map(fn: (r) => ({_time: r._time, _field: as, n: r.n, hits: if r.truth == r.label then r.n else 0}))
    |> group(columns: ["_time", "_field"])
    |> reduce(identity: {hits: 0, n: 0}, fn: (r, accumulator) => ({hits: accumulator.hits + r.hits, n: accumulator.n + r.n}))
    |> group(columns: ["_field"])
    |> sort(columns: ["_time"])
    |> map(fn: (r) => ({_time: r._time, _field: r._field, _value: 100.0 * float(v: r.hits) / float(v: r.n)}))
champion = counts |> map(fn: (r) => ({_time: r._time, _value: r._value, outcome: r.champion})) |> rightOf(as: "champion")
challenger = counts |> map(fn: (r) => ({_time: r._time, _value: r._value, outcome: r.challenger})) |> rightOf(as: "challenger")

union(tables: [champion, challenger])`),
  ),
  cell(
    'Latency of champion and challenger',
    'Half of the readings that both labelled, and 99 of 100. The challenger’s is as if it served.',
    line('ms'),
    [3, 3],
    withPieces(`
both = paired(field: "latencyMs")
    |> group()
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
quantileOf = (tables=<-, q, as) => tables
    |> aggregateWindow(every: v.windowPeriod, fn: (column, tables=<-) => tables |> quantile(q: q, column: column), createEmpty: false)
    |> keep(columns: ["_time", "_value"])
    |> set(key: "_field", value: as)
    |> group(columns: ["_field"])
champion = both |> map(fn: (r) => ({_start: r._start, _stop: r._stop, _time: r._time, _value: r.champion}))
challenger = both |> map(fn: (r) => ({_start: r._start, _stop: r._stop, _time: r._time, _value: r.challenger}))

union(
    tables: [
        champion |> quantileOf(q: 0.5, as: "champion p50"),
        champion |> quantileOf(q: 0.99, as: "champion p99"),
        challenger |> quantileOf(q: 0.5, as: "challenger p50"),
        challenger |> quantileOf(q: 0.99, as: "challenger p99"),
    ],
)`),
  ),
];
