import type { Stream } from '../core/wire/stream.ts';
import { allDevices, fluxString, type VariableKind, variableName, within } from './flux.ts';

export interface Variable {
  readonly kind: VariableKind;
  readonly name: string;
  readonly description: string;
  readonly query: string;
  readonly selected: string;
}

/** The choices at the head of the dashboard. Each always offers the one that is selected, so that a dashboard without data works. */
export function variablesOf(stream: Stream, bucket: string): Variable[] {
  const [field = ''] = stream.fields;
  const offered = (always: string, found: string) => within(offering(always, found), { stream: stream.name, bucket });
  return [
    {
      kind: 'device',
      name: variableName('device', stream.name),
      description: `all devices of ${stream.name}, or one`,
      selected: allDevices,
      query: offered(
        allDevices,
        `schema.tagValues(bucket: v.bucket, tag: "device", predicate: (r) => r._measurement == v.stream)`,
      ),
    },
    {
      kind: 'field',
      name: variableName('field', stream.name),
      description: `the field of ${stream.name} that is shown raw and completed`,
      selected: field,
      query: offered(
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
