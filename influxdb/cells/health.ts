import { withPieces } from '../flux.ts';
import { type Cell, cell, line, table } from './cell.ts';

/** How the line itself does. */
export const health: readonly Cell[] = [
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
    table({ device: 'device', lastSeen: 'last seen' }),
    [4, 4],
    withPieces(`
readings()
    |> filter(fn: (r) => r._field == "gaps")
    |> chosen()
    |> last()
    |> group()
    |> map(fn: (r) => ({device: r.device, lastSeen: r._time}))
    |> sort(columns: ["lastSeen"])
    |> ranked()`),
  ),
  cell(
    'Last seen by field',
    'When each field last had a value, on any device. The silent ones first.',
    table({ field: 'field', lastSeen: 'last seen' }),
    [4, 4],
    withPieces(
      `
// A value of its own, or a string of many samples: tables of numbers and of text, which only their times can join.
seen = (of) => readings()
    |> filter(fn: of)
    |> chosen()
    |> last()
    |> keep(columns: ["_field", "_time"])

union(tables: [seen(of: (r) => r._field =~ /^v\\./), seen(of: (r) => r._field =~ /^s\\./)])
    |> group(columns: ["_field"])
    |> max(column: "_time")
    |> group()
    |> map(fn: (r) => ({field: strings.substring(v: r._field, start: 2, end: strings.strlen(v: r._field)), lastSeen: r._time}))
    |> sort(columns: ["lastSeen"])
    |> ranked()`,
      ['strings'],
    ),
  ),
  cell(
    'Alarms',
    'What the checks of this stream found wrong when they looked last.',
    table({ time: 'time', level: 'level', message: 'message' }),
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
    |> sort(columns: ["time"], desc: true)
    |> ranked()`),
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
