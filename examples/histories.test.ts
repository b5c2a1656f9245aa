import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openRegistry } from '../core/model/registry/folder.ts';

const models = globSync('*/models/*/champion', { cwd: import.meta.dirname }).map(dirname);

test('there are models to look at', () => expect(models.length).toBeGreaterThan(3));

test.each(models)(
  'the history of %s, if it has one, ends with the version that serves: a start writes none',
  async (model) => {
    const registry = openRegistry({ folder: join(import.meta.dirname, dirname(model)), name: basename(model) });
    const last = (await registry.history()).at(-1);
    expect([undefined, await registry.resolve('champion')]).toContain(last?.to);
  },
);
