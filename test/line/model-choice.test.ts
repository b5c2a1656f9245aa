import { cpSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, gapline, spambase, temporaryFolder } from './gapline.ts';
import { identities, predictionsOf } from './identities.ts';

const enough = 3_000;

test('the example serves a model that stands gaps, and the page switches to the mean and back', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  const data = temporaryFolder();
  cpSync(dirname(spambase), folder, { recursive: true });
  const files = () => globSync('**', { cwd: folder }).sort();
  const before = files();
  const flow = ['--set', 'generator.rate=600', '--set', 'generator.batch=5', '--set', 'generator.gaps.rate=0.5'];
  const ports = ['--collector-port', '0', '--page-port', '0'];
  const line = gapline(['up', '--config', join(folder, 'stream.yaml'), '--data', data, ...ports, ...flow]);
  const page = await line.printed(/live page: +(\S+)/);
  const predictions = () => predictionsOf(join(data, 'gapline.db'), 'spam_predictions');
  const labelledBy = async (version: number) => (await predictions()).filter(({ model }) => model.version === version);
  const choose = (version: number) =>
    fetch(`${page}/controls/model`, {
      method: 'POST',
      body: JSON.stringify({ version }),
      headers: { 'content-type': 'application/json' },
    });

  await eventually(async () => (await labelledBy(2)).length >= enough);
  expect(await labelledBy(1)).toEqual([]);
  expect((await choose(1)).status).toBe(200);
  await eventually(async () => (await labelledBy(1)).length >= enough);
  const soFar = (await labelledBy(2)).length;
  expect((await choose(3)).status).toBe(400);
  expect((await choose(2)).status).toBe(200);
  await eventually(async () => (await labelledBy(2)).length > soFar);
  line.kill('SIGTERM');
  expect((await line.ended).code).toBe(0);

  // A label that was refused is no truth's label, so it counts as wrong.
  const accuracyOf = async (version: number) => {
    const labelled = await labelledBy(version);
    return labelled.filter(({ label, truth }) => label === truth).length / labelled.length;
  };
  const [good, mean] = [await accuracyOf(2), await accuracyOf(1)];
  console.log(`accuracy with half of the values missing: version 2 ${good.toFixed(4)}, version 1 ${mean.toFixed(4)}`);
  expect(good).toBeGreaterThanOrEqual(0.9);
  expect(mean).toBeLessThan(0.82);
  const labelled = identities(await predictions());
  expect(new Set(labelled).size).toBe(labelled.length);
  expect(files()).toEqual(before);
});
