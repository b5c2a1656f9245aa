import { cpSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { readDataset } from '../../core/dataset/read.ts';
import { createInfluxStore } from '../../core/store/influxdb.ts';
import { readingToPoint } from '../../core/wire/point.ts';
import { type Bucket, describeWithInfluxdb, makeBucket } from '../servers/with-influxdb.ts';
import { gapline, spambase, temporaryFolder } from './gapline.ts';

// Needs GAPLINE_TEST_INFLUXDB.

describeWithInfluxdb('training from an archive in InfluxDB', (access) => {
  let bucket: Bucket;
  afterEach(() => bucket?.remove());

  it('reads readings with truth of a range back, gaps and all', { timeout: 120_000 }, async () => {
    bucket = await makeBucket(access);
    const folder = temporaryFolder();
    cpSync(dirname(spambase), folder, { recursive: true });
    const dataset = await readDataset({ file: join(folder, 'data/test.csv'), truth: 'label' });
    const now = BigInt(Date.now()) * 1_000_000n;
    const daysAgo = (days: number, row: number) => String(now - BigInt(days) * 86_400_000_000_000n + BigInt(row));
    const points = Array.from(dataset.labels, (label, row) => {
      const values = dataset.fields.map((name, column) => {
        const gap = (row + column) % 10 === 0;
        return [name, gap ? null : dataset.values[row * dataset.width + column]!] as const;
      });
      // Fifty are too old, and of twenty nobody knows the truth.
      const time = daysAgo(row < 50 ? 30 : 1, row);
      const known = row >= 50 && row < 70 ? {} : { truth: dataset.classes[label]! };
      const reading = { stream: 'spambase', device: `device-${row % 7}`, time, received: time, ...known };
      return readingToPoint({ ...reading, values: Object.fromEntries(values) }, dataset.width);
    });
    const store = createInfluxStore({ ...access, bucket: bucket.name, logger: pino({ level: 'silent' }) });
    await store.start();
    expect(await store.write(points)).toEqual([]);
    await store.stop();

    const place = `${access.url}/${encodeURIComponent(access.org)}/${bucket.name}`;
    const trained = await gapline(
      [
        ...['train', '--config', join(folder, 'stream.yaml'), '--from', 'archive', '--range', '-7d', '--store', place],
        ...['--set', 'training.imputer=gaussian', '--set', 'model.name=archived'],
      ],
      { env: { GAPLINE_INFLUXDB_TOKEN: await bucket.grant('read', 'write') } },
    ).ended;
    expect({ code: trained.code, stderr: trained.code === 0 ? '' : trained.stderr }).toEqual({ code: 0, stderr: '' });
    expect(trained.stderr).toContain(`${dataset.count - 70} readings with truth; 20 have none, 0 are more than fit`);
    const manifest = JSON.parse(readFileSync(join(folder, 'models/archived/1/model.json'), 'utf8'));
    expect(manifest.lineage.data).toMatchObject({ rows: dataset.count - 70, source: 'archive of spambase' });
    const gaps = manifest.histograms.reduce((sum: number, { gaps: missing }: { gaps: number }) => sum + missing, 0);
    expect(gaps / (dataset.width * (dataset.count - 70))).toBeCloseTo(0.1, 2);
    expect(manifest.metrics.accuracy).toBeGreaterThan(0.85);
  });
});
