import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { noFigures } from './messages.ts';
import { addRemains, sumMetrics, sumStatus } from './sums.ts';

const spool = (records: number, oldestMs: number) => ({ records, bytes: 10 * records, oldestMs, drainedPerSecond: 1 });

test('the status of workers is that of one collector', () => {
  const sum = sumStatus([
    {
      counters: { accepted: 3, refused: 1 },
      spool: spool(2, 50),
      lastError: { at: '2026-01-01T00:00:01.000Z', message: 'older' },
      unknownFields: [{ name: 'x', count: 1 }],
    },
    {
      counters: { accepted: 4, refused: 0 },
      spool: spool(5, 20),
      lastError: { at: '2026-01-01T00:00:02.000Z', message: 'newer' },
      unknownFields: [
        { name: 'y', count: 2 },
        { name: 'x', count: 3 },
      ],
    },
  ]);
  expect(sum).toEqual({
    counters: { accepted: 7, refused: 1 },
    spool: { records: 7, bytes: 70, oldestMs: 50, drainedPerSecond: 2 },
    lastError: { at: '2026-01-01T00:00:02.000Z', message: 'newer' },
    unknownFields: [
      { name: 'x', count: 4 },
      { name: 'y', count: 2 },
    ],
  });
});

async function metricsOf(accepted: number, waiting: number, oldest: number) {
  const registers = [new Registry()];
  new Counter({ name: 'accepted', help: 'h', labelNames: ['door'], registers }).inc({ door: 'readings' }, accepted);
  new Gauge({ name: 'waiting', help: 'h', registers }).set(waiting);
  new Gauge({ name: 'oldest', help: 'h', aggregator: 'max', registers }).set(oldest);
  new Histogram({ name: 'seconds', help: 'h', buckets: [1], registers }).observe(accepted);
  return registers[0]?.getMetricsAsJSON() ?? [];
}

test('metrics add up; of a worker that died the totals stay and what it held at the moment goes', async () => {
  const dead = { status: { counters: { accepted: 2 }, spool: spool(9, 9) }, metrics: await metricsOf(2, 100, 100) };
  const once = await addRemains(noFigures, dead);
  const remains = await addRemains(once, { ...dead, metrics: await metricsOf(3, 100, 100) });
  expect(remains.status).toEqual({ counters: { accepted: 4 } });
  const lines = (await sumMetrics([remains.metrics, await metricsOf(5, 1, 7), await metricsOf(6, 2, 3)])).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'accepted{door="readings"} 16',
      'waiting 3',
      'oldest 7',
      'seconds_bucket{le="+Inf"} 4',
      'seconds_sum 16',
      'seconds_count 4',
    ]),
  );
});
