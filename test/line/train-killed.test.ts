import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRegistry } from '../../core/model/registry/folder.ts';
import { gapline, temporaryFolder } from './gapline.ts';

/** A stream of two classes, with a model that takes some files. */
function makeStream(): { readonly config: string; readonly models: string } {
  const folder = temporaryFolder();
  const rows = Array.from({ length: 600 }, (_, row) => `${row % 100},${row % 11},${row % 100 < 50 ? 'low' : 'high'}`);
  writeFileSync(join(folder, 'rows.csv'), ['a,b,label', ...rows].join('\n'));
  const config = join(folder, 'stream.yaml');
  writeFileSync(config, 'stream: levels\ndata: { train: rows.csv, truth: label }\ntraining: { trees: 20 }\n');
  return { config, models: join(folder, 'models/levels') };
}

const entriesOf = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);

test('a training that is killed while it writes leaves a whole version or none; repeated, it makes one', {
  timeout: 600_000,
}, async () => {
  const { config, models } = makeStream();
  const registry = openRegistry({ folder: join(models, '..'), name: 'levels' });
  for (let round = 1; round <= 2; round++) {
    const before = entriesOf(models).length;
    const training = gapline(['train', '--config', config]);
    let ended = false;
    void training.ended.then(() => {
      ended = true;
    });
    // Its first file; the second round also meets what the killed one left.
    await expect.poll(() => ended || entriesOf(models).length > before, { timeout: 120_000, interval: 2 }).toBe(true);
    training.kill('SIGKILL');
    await training.ended;
    const left = await registry.versions();
    // Whatever is listed is whole: it loads, and passes its own test.
    for (const version of left) await (await registry.load(version)).close();
    const repeated = await gapline(['train', '--config', config]).ended;
    expect(repeated.code, repeated.stderr).toBe(0);
    expect(await registry.versions()).toHaveLength(left.length + 1);
  }
});
