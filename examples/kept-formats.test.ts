import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { readManifest } from '../core/model/artifact.ts';
import { openRegistry } from '../core/model/registry/folder.ts';

// Versions that ship were written by earlier states of the code: whoever changes a format of trees finds here that they are still read. The
// kinds for series are read in the tests of their example; they take longer.

const kept = await Promise.all(
  globSync('*/models/*/*/model.json', { cwd: import.meta.dirname }).map(async (file) => {
    const folder = dirname(join(import.meta.dirname, file));
    return { folder, manifest: await readManifest(folder) };
  }),
);

test.each(['forest.json.gz', 'boosted.json.gz', 'snapshots.json.gz', 'logistic.json.gz'])(
  'versions with a %s load, and predict what they did when they were made',
  async (file) => {
    const own = kept.filter(({ manifest: { estimator } }) => 'file' in estimator && estimator.file === file);
    expect(own.length).toBeGreaterThan(0);
    for (const { folder, manifest } of own) {
      const { name, version, importance } = manifest;
      const models = dirname(dirname(folder));
      const model = await openRegistry({ folder: models, name, stepsFolder: dirname(models) }).load(version);
      expect(model.identity).toEqual({ name, version });
      await model.close();
      // Of trees it is known which fields matter; the first format did not keep it.
      if (file !== 'logistic.json.gz' && manifest.formatVersion > 1)
        expect(importance?.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 3);
    }
  },
);

test('the first format of a manifest is among them', () => {
  expect(kept.map(({ manifest }) => manifest.formatVersion)).toContain(1);
});
