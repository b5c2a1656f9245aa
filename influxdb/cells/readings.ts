import { withPieces } from '../flux.ts';
import { type Cell, cell, line, table } from './cell.ts';

/** What comes in, and what is missing of it. */
export const readings: readonly Cell[] = [
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
];

/** What is missing of them. Nothing of it can be counted in records of many samples, which the archive keeps as one string a field. */
export const gaps: readonly Cell[] = [
  cell(
    'Gap rate',
    'Share of values that were missing, of all fields that ever had one.',
    line('%'),
    [6, 3],
    withPieces(`
fieldCount = length(arr: fieldNames |> findColumn(fn: (key) => true, column: "_value"))
gaps = () => readings() |> filter(fn: (r) => r._field == "gaps") |> chosen()

sumAndCount(of: gaps)
    |> windowMean()
    |> filter(fn: (r) => fieldCount > 0)
    |> map(fn: (r) => ({_time: r._time, _value: 100.0 * r._value / float(v: fieldCount)}))
    |> set(key: "_field", value: "gap rate")`),
  ),
  cell(
    'Gap rate by field',
    'The fields that are missing most often; 100 % is a sensor that sent nothing in this time.',
    table({ field: 'field', gapRate: 'gap rate, %' }),
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
    |> map(fn: (r) => ({field: strings.trimPrefix(v: r._field, prefix: "v."), gapRate: 100.0 - 100.0 * float(v: r._value) / float(v: readingCount)}))
    |> sort(columns: ["gapRate"], desc: true)
    |> ranked()`,
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
// Flux escapes three characters that predictions do not.
unescaped = (text, code, as) => strings.replaceAll(v: text, t: code, u: as)
below = unescaped(text: string(v: json.encode(v: v.field)), code: "\\\\u003c", as: "<")
above = unescaped(text: below, code: "\\\\u003e", as: ">")
key = unescaped(text: above, code: "\\\\u0026", as: "&") + ":"
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
