import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMlflow } from '../../core/model/registry/mlflow.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import { type Point, readingToPoint } from '../../core/wire/point.ts';
import { root, temporaryFolder } from '../../test/line/gapline.ts';
import { startMlflow } from '../../test/servers/mlflow.ts';
import type { ServerHandle } from '../../test/servers/process.ts';
import { describeWithPython, runPython, sparkEnv } from '../../test/servers/python.ts';
import simulate, { fields } from './simulator.ts';

const beats = 45;

/** A beat a second of each patient, a tenth of its samples lost. */
function* readings(): Generator<Point> {
  const source = simulate({ seed: 11 });
  const values = new Float64Array(fields.length);
  for (const [at, device] of source.devices.entries()) {
    const track = source.open(at, 0);
    for (let beat = 0; beat < beats; beat++) {
      const truth = track.next(values);
      const time = String((BigInt(Date.parse('2026-01-01T00:00:00Z')) + BigInt(beat) * 1_000n) * 1_000_000n);
      const measured = fields.map((name, n) => [name, (beat + n) % 10 === 0 ? null : (values[n] ?? null)] as const);
      const reading = { stream: 'ecg', device, time, received: time, values: Object.fromEntries(measured) };
      yield readingToPoint({ ...reading, ...(truth !== undefined && { truth }) }, fields.length);
    }
  }
}

async function fillArchive(data: string): Promise<void> {
  const store = createSqliteStore({
    file: join(data, 'gapline.db'),
    logger: pino({ level: 'silent' }),
    packing: false,
  });
  await store.start();
  expect(await store.write([...readings()])).toEqual([]);
  await store.stop();
}

const configOf = (url: string) => `stream: ecg
data: { fields: ${JSON.stringify(fields)} }
steps: [{ use: window, length: 10s }, { use: statistics, features: [mean, std] }]
generator: { gaps: { rate: 0 } }
training: { imputer: passthrough, boosted: true, trees: 20, seed: 1 }
model: { name: ecg-averaged, registry: mlflow, url: "${url}" }
`;

describeWithPython('mlflow', 'the flow', (mlflowPython) => {
  describeWithPython('spark', 'on Prefect, Spark and MLflow', (python) => {
    let mlflow: ServerHandle;
    beforeAll(async () => {
      mlflow = await startMlflow(mlflowPython());
    }, 300_000);
    afterAll(() => mlflow?.stop(), 60_000);

    test('goes from the archive to two versions in MLflow, of which the better one serves', {
      timeout: 1_200_000,
    }, async () => {
      const folder = temporaryFolder();
      const config = join(folder, 'stream.yaml');
      writeFileSync(config, configOf(mlflow.url));
      await fillArchive(folder);
      const flow = await runPython(
        python(),
        [join(import.meta.dirname, 'flow.py'), '--config', config, '--data', folder, '--work', join(folder, 'work')],
        { ...sparkEnv, GAPLINE: join(root, 'gapline'), PREFECT_HOME: join(folder, 'prefect') },
      );
      expect(flow.code, flow.stdout + flow.stderr).toBe(0);
      const registry = openMlflow({ name: 'ecg-averaged', alias: 'champion', url: mlflow.url, stepsFolder: folder });
      expect(await registry.versions()).toEqual([1, 2]);
      const manifests = await Promise.all([1, 2].map((version) => registry.manifest(version)));
      expect(manifests.map(({ estimator }) => estimator.kind)).toEqual(['forest', 'snapshots']);
      const [first = Number.NaN, second = Number.NaN] = manifests.map(({ metrics }) => metrics.f1);
      expect(await registry.resolve('champion')).toBe(second > first ? 2 : 1);
      for (const { metrics, channels, steps } of manifests) {
        expect(metrics.on).toBe('test');
        expect(channels).toEqual(fields);
        expect(steps?.map(({ use }) => use)).toEqual(['window', 'statistics']);
      }
    });
  });
});
