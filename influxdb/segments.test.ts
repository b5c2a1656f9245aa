import { afterAll, beforeAll, expect, it } from 'vitest';
import { predictionToPoint, readingToPoint } from '../core/wire/point.ts';
import { topicsOf } from '../core/wire/stream.ts';
import { type Bucket, describeWithInfluxdb, makeBucket } from '../test/servers/with-influxdb.ts';
import { renderTemplate } from './template.ts';
import { lineOf, numberIn, runCell } from './testing.ts';

// Needs GAPLINE_TEST_INFLUXDB.

/** Two channels of 61 samples, as names that do not tell their place. */
const length = 61;
const rate = 125;
const channels = ['lead', 'other "lead"'];
const fields = channels.flatMap((channel) =>
  Array.from({ length }, (_, at) => `${channel} ${((at * 7) % length).toString(36)}`),
);
const startMs = 1_760_000_000_000;
const isGap = (at: number) => at >= 20 && at < 30;
type Chart = { readonly name: string; readonly queries: readonly { readonly query: string }[] };
const valueAt = (beat: number, place: number) => beat * 1_000 + place;

describeWithInfluxdb('the last whole segment on a real InfluxDB', (access) => {
  let bucket: Bucket;
  let charts: readonly Chart[];
  beforeAll(async () => {
    bucket = await makeBucket(access);
    const stream = bucket.name;
    const points = [0, 1, 2].flatMap((beat) => {
      const time = `${BigInt(startMs + beat * 2_000) * 1_000_000n}`;
      const about = { stream, device: 'patient', time, received: time, truth: 'normal' };
      const values = Object.fromEntries(
        fields.map((name, place) => [name, isGap(place % length) ? null : valueAt(beat, place)]),
      );
      const label = beat === 1 ? 'abnormal' : 'normal';
      const reading = readingToPoint({ ...about, values }, fields.length);
      // The last one is not labelled yet.
      if (beat === 2) return [reading];
      const given = { label, probability: 0.876, probabilities: {}, filled: {}, gaps: 20, latencyMs: 1 };
      return [reading, predictionToPoint({ ...about, ...given, model: { name: 'm', version: 3 } })];
    });
    await bucket.write(points.map(lineOf).join('\n'));
    const segments = { channels, length, rate };
    const about = { name: stream, fields, topics: topicsOf(stream), segments };
    const [dashboard] = renderTemplate({ bucket: bucket.name, stream: about });
    charts = dashboard?.spec.charts as readonly Chart[];
  }, 60_000);
  afterAll(() => bucket.remove());

  // That a server holds what was rendered is tested with the windows.
  const run = (name: string, field: string) => {
    const query = charts.find((chart) => chart.name === name)?.queries[0]?.query ?? '';
    return runCell(access, query, { stream: bucket.name, device: 'patient', field, atMs: startMs });
  };

  it.each([
    [fields[3] ?? '', 0],
    [fields[length] ?? '', length],
  ])('has the wave of the channel of %j in the order of its samples, with its gaps', async (field, first) => {
    const [outside, ...dots] = await run('Last segment: wave', field);
    expect(outside?._field).toBe(' ');
    const [wave, gaps] = ['abnormal, 88 %', 'gap'].map((name) => dots.filter(({ _field }) => _field === name));
    expect([dots.length, gaps?.length]).toEqual([length, 10]);
    for (const dot of wave ?? []) {
      const place = Math.round((numberIn(dot, 'ms') / 1_000) * rate);
      expect(numberIn(dot, '_value')).toBe(valueAt(1, first + place));
    }
    for (const dot of gaps ?? [])
      expect([isGap(Math.round((numberIn(dot, 'ms') / 1_000) * rate)), dot._value]).toEqual([true, valueAt(1, first)]);
  });

  it('has its spectrum, and says what the model made of it', async () => {
    const dots = await run('Last segment: spectrum', 'nothing of it');
    expect(dots.length).toBeGreaterThan(20);
    const rows = await run('Last segment', 'nothing of it');
    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
      ...{ label: 'abnormal', probability: '0.876', truth: 'normal', gaps: '20' },
    });
  });
});
