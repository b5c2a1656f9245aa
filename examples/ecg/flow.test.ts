import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMlflow } from '../../core/model/registry/mlflow.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import { root, temporaryFolder } from '../../test/line/gapline.ts';
import { startMlflow } from '../../test/servers/mlflow.ts';
import type { ServerHandle } from '../../test/servers/process.ts';
import { describeWithPython, runPython, sparkEnv } from '../../test/servers/python.ts';
import { fields } from './simulator.ts';
import { archivedBeats, windowsConfig } from './testing/beats.ts';

async function fillArchive(data: string): Promise<void> {
  const store = createSqliteStore({
    file: join(data, 'gapline.db'),
    logger: pino({ level: 'silent' }),
    packing: false,
  });
  await store.start();
  expect(await store.write([...archivedBeats(Date.parse('2026-01-01T00:00:00Z'))])).toEqual([]);
  await store.stop();
}

describeWithPython('mlflow', 'the flow', (mlflowPython) => {
  describeWithPython('spark', 'on Prefect, Spark and MLflow', (python) => {
    let mlflow: ServerHandle;
    beforeAll(async () => {
      mlflow = await startMlflow(mlflowPython());
    }, 300_000);
    afterAll(() => mlflow?.stop(), 60_000);

    test('goes from the archive to two versions in MLflow, of which the better one serves, and keeps it where the next are no better', {
      timeout: 1_200_000,
    }, async () => {
      const folder = temporaryFolder();
      const config = join(folder, 'stream.yaml');
      writeFileSync(config, windowsConfig(`, registry: mlflow, url: "${mlflow.url}"`));
      await fillArchive(folder);
      const run = async () => {
        const { code, stdout, stderr } = await runPython(
          python(),
          [join(import.meta.dirname, 'flow.py'), '--config', config, '--data', folder, '--work', join(folder, 'work')],
          { ...sparkEnv, GAPLINE: join(root, 'gapline'), PREFECT_HOME: join(folder, 'prefect') },
        );
        expect(code, stdout + stderr).toBe(0);
      };
      await run();
      const registry = openMlflow({ name: 'ecg-averaged', alias: 'champion', url: mlflow.url, stepsFolder: folder });
      expect(await registry.versions()).toEqual([1, 2]);
      const manifests = await Promise.all([1, 2].map((version) => registry.manifest(version)));
      expect(manifests.map(({ estimator }) => estimator.kind)).toEqual(['forest', 'snapshots']);
      const [first = Number.NaN, second = Number.NaN] = manifests.map(({ metrics }) => metrics.f1);
      const better = second > first ? 2 : 1;
      expect(await registry.resolve('champion')).toBe(better);
      for (const { metrics, channels, steps } of manifests) {
        expect(metrics.on).toBe('test');
        expect(channels).toEqual(fields);
        expect(steps?.map(({ use }) => use)).toEqual(['window', 'statistics']);
      }
      // Of the same readings, with the same seed.
      await run();
      expect(await registry.versions()).toEqual([1, 2, 3, 4]);
      expect(await registry.resolve('champion')).toBe(better);
    });
  });
});
