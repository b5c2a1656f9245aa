import type { Stream } from '../core/wire/stream.ts';
import { allDevices, fluxString } from './flux.ts';

export interface Variable {
  readonly name: string;
  readonly description: string;
  readonly query: string;
  readonly selected: string;
}

/** The choices at the head of the dashboard. Each always offers the one that is selected, so that a dashboard without data works. */
export function variablesOf(stream: Stream, bucket: string): Variable[] {
  const [field = ''] = stream.fields;
  return [
    {
      name: 'bucket',
      description: 'where the data is',
      selected: bucket,
      query: `buckets()
    |> filter(fn: (r) => r.name !~ /^_/)
    |> rename(columns: {name: "_value"})
    |> keep(columns: ["_value"])
    |> sort(columns: ["_value"])`,
    },
    {
      name: 'stream',
      description: 'the kind of reading',
      selected: stream.name,
      query: offering(
        stream.name,
        `schema.measurements(bucket: v.bucket)
    |> filter(fn: (r) => r._value =~ /\\.predictions$/)
    |> map(fn: (r) => ({_value: strings.trimSuffix(v: r._value, suffix: ".predictions")}))`,
      ),
    },
    {
      name: 'device',
      description: 'all devices, or one',
      selected: allDevices,
      query: offering(
        allDevices,
        `schema.tagValues(bucket: v.bucket, tag: "device", predicate: (r) => r._measurement == v.stream)`,
      ),
    },
    {
      name: 'field',
      description: 'the field that is shown raw and completed',
      selected: field,
      query: offering(
        field,
        `schema.measurementFieldKeys(bucket: v.bucket, measurement: v.stream)
    |> filter(fn: (r) => r._value =~ /^[vs]\\./)
    |> map(fn: (r) => ({_value: strings.substring(v: r._value, start: 2, end: strings.strlen(v: r._value))}))`,
      ),
    },
  ];
}

function offering(always: string, found: string): string {
  return `import "array"
import "influxdata/influxdb/schema"
import "strings"

found = ${found}
    |> group()
    |> keep(columns: ["_value"])

union(tables: [found, array.from(rows: [{_value: ${fluxString(always)}}])])
    |> unique()
    |> sort()`;
}
