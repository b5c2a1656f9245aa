import { withPieces } from '../flux.ts';
import { type Cell, cell, line, table } from './cell.ts';

/** How far the readings of late are from those that the model was trained on. */
export const drift: readonly Cell[] = [
  cell(
    'Drift',
    'The largest population stability index of a field; above the threshold the field has drifted: look at it, or train anew.',
    line('index'),
    [4, 3],
    withPieces(`
shown = (field, as) => status()
    |> filter(fn: (r) => r._field == field)
    |> group()
    |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)
    |> keep(columns: ["_time", "_value"])
    |> set(key: "_field", value: as)
    |> group(columns: ["_field"])

union(tables: [shown(field: "driftPsi", as: "largest index"), shown(field: "driftThreshold", as: "threshold")])`),
  ),
  cell(
    'Outside the range of training',
    'Share of the readings of late with a value that training never saw the like of.',
    line('%'),
    [4, 3],
    withPieces(`
status()
    |> filter(fn: (r) => r._field == "driftOutside")
    |> group()
    |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)
    |> map(fn: (r) => ({_time: r._time, _value: 100.0 * r._value}))
    |> set(key: "_field", value: "outside")`),
  ),
  cell(
    'Drift by field',
    'The fields that drifted most, as the classifier last reported.',
    table({ field: 'field', psi: 'index', outside: 'outside the range, %' }),
    [4, 3],
    withPieces(
      `
reported = status()
    |> filter(fn: (r) => r._field == "driftFields")
    |> group()
    |> sort(columns: ["_time"])
    |> last()
    |> findColumn(fn: (key) => true, column: "_value")
fields = json.parse(data: bytes(v: if length(arr: reported) > 0 then reported[0] else "[]"))
rows = array.map(arr: fields, fn: (x) => ({field: string(v: x.name), psi: float(v: x.psi), outside: 100.0 * float(v: x.outside)}))

array.from(rows: array.concat(arr: [{field: "", psi: 0.0, outside: 0.0}], v: rows))
    |> filter(fn: (r) => r.field != "")
    |> sort(columns: ["psi"], desc: true)
    |> ranked()`,
      ['array', 'experimental/json'],
    ),
  ),
];
