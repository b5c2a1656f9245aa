import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadModel } from './index.ts';

const models = join(import.meta.dirname, '../examples/spambase/models/spambase');

test('a version that serves labels rows with gaps, and says what it filled', async () => {
  const model = await loadModel(models, { version: 1 });
  expect(model).toMatchObject({ name: 'spambase', version: 1, classes: ['ham', 'spam'] });
  const text = readFileSync(join(models, '../../data/test.csv'), 'utf8');
  const [header = [], ...lines] = text.split('\n').map((line) => line.split(','));
  const spam = lines.filter((cells) => cells.at(-1) === 'spam');
  const valuesOf = (cells: readonly string[]) =>
    Object.fromEntries(header.slice(0, -1).map((name, at) => [name, Number(cells[at])]));
  const predictions = await model.predict(
    spam.map((cells) => ({ values: { ...valuesOf(cells), word_freq_3d: null } })),
  );
  const right = predictions.filter(({ label }) => label === 'spam');
  expect(right.length).toBeGreaterThan(0.85 * spam.length);
  for (const { gaps, filled, probability, probabilities } of right) {
    expect([gaps, Object.keys(filled)]).toEqual([1, ['word_freq_3d']]);
    expect(probability).toBe(probabilities.spam);
  }
  const [nothing] = await model.predict([{ values: {} }]);
  expect(nothing?.gaps).toBe(57);
  expect(await model.predict([])).toEqual([]);
  await model.close();
});

test('the folder of a version, a number and an alias name the same', async () => {
  const row = { values: { word_freq_free: 2 } };
  const labels = [];
  for (const [folder, version] of [[join(models, '1')], [models, 1], [models, 'mean']] as const) {
    const model = await loadModel(folder, { version });
    labels.push([model.version, await model.predict([row])]);
    await model.close();
  }
  expect(labels[1]).toEqual(labels[0]);
  expect(labels[2]).toEqual(labels[0]);
});

test.each([
  [{ values: { word_freq_fre: 1 } }, /row 0: the model has no field "word_freq_fre".*word_freq_free/],
  [{ values: { word_freq_free: Number.NaN } }, /row 0: "word_freq_free" is NaN/],
  [{ values: { word_freq_free: '1' as unknown as number } }, /"word_freq_free" is 1; expected a finite number/],
  [{ values: {}, time: 'yesterday' }, /row 0: its time is yesterday/],
])('a row that cannot be read is refused: %j', async (row, message) => {
  const model = await loadModel(models, { version: 1 });
  await expect(model.predict([row])).rejects.toThrow(message);
  await model.close();
});

test('what is no model is refused with its code', async () => {
  await expect(loadModel(join(models, 'none'))).rejects.toMatchObject({ code: 'model-missing' });
  await expect(loadModel(models, { version: 'nobody' })).rejects.toMatchObject({ code: 'model-missing' });
  const motor = join(models, '../../../motor/models/motor');
  await expect(loadModel(motor)).rejects.toThrow(/rows are made by steps/);
});
