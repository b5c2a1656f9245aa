import type { Stream } from '../core/wire/stream.ts';
import { fluxString } from './flux.ts';

/** A check in the terms of InfluxDB's templates. */
export interface Check {
  readonly kind: 'CheckDeadman' | 'CheckThreshold';
  readonly name: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

const silentForSeconds = 120;
const gapRates = { warn: 0.3, crit: 0.6 };
const lagGrowth = { warn: 60, crit: 3_000 };

/**
 * What InfluxDB itself watches for a stream. A check knows no variables: one that names `v.bucket` is taken and then fails. InfluxDB puts its own
 * time in for `start` and `every` (`staleTime` for a deadman), and reads from `_field == "…"` what the levels compare.
 */
export function checksOf({ name, fields }: Stream, bucket: string): Check[] {
  const points = (measurement: string, field: string) => `from(bucket: ${fluxString(bucket)})
    |> range(start: -1h)
    |> filter(fn: (r) => r._measurement == ${fluxString(measurement)} and r._field == "${field}")`;
  /** A column of the row that a status names, in Flux's own `${…}`. */
  const row = (column: string) => `\${string(v: r.${column})}`;
  const tags = [{ key: 'stream', value: name }];
  const level = (which: 'WARN' | 'CRIT', value: number) => ({ type: 'greater', level: which, value });
  return [
    {
      kind: 'CheckDeadman',
      name: `Gapline ${name}: silent device`,
      spec: {
        description: `A device has not been heard for ${silentForSeconds} s; forgotten after an hour.`,
        query: `${points(name, 'gaps')}\n    |> last()`,
        every: '1m',
        offset: '5s',
        timeSince: `${silentForSeconds}s`,
        staleTime: '1h',
        reportZero: false,
        level: 'CRIT',
        statusMessageTemplate: `${row('device')} is silent: ${row('dead')}`,
        tags,
      },
    },
    {
      kind: 'CheckThreshold',
      name: `Gapline ${name}: gap rate`,
      spec: {
        description: `Over ${gapRates.warn * 100} % of a device's values are missing over five minutes.`,
        query: `${points(name, 'gaps')}
    |> aggregateWindow(every: 5m, fn: mean, createEmpty: false)
    |> map(fn: (r) => ({r with _value: r._value / ${fields.length.toFixed(1)}}))`,
        every: '5m',
        offset: '5s',
        statusMessageTemplate: `gap rate of ${row('device')}: ${row('gaps')}`,
        thresholds: [level('WARN', gapRates.warn), level('CRIT', gapRates.crit)],
        tags,
      },
    },
    {
      kind: 'CheckThreshold',
      name: `Gapline ${name}: lag grows`,
      spec: {
        description: `A stage falls behind by more than ${lagGrowth.warn} records a minute over five minutes.`,
        query: `${points(`${name}.status`, 'lag')}
    |> derivative(unit: 1m)
    |> aggregateWindow(every: 5m, fn: mean, createEmpty: false)`,
        every: '5m',
        offset: '5s',
        statusMessageTemplate: `lag of ${row('stage')} grows by ${row('lag')} records a minute`,
        thresholds: [level('WARN', lagGrowth.warn), level('CRIT', lagGrowth.crit)],
        tags,
      },
    },
  ];
}
