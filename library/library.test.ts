import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRegistry } from '../core/model/registry/folder.ts';
import { sampleDraft } from '../core/model/testing.ts';
import { loadModel, type Row } from './index.ts';

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
  [{ values: { word_freq_fre: 1 } }, /row 0: the model has no field "word_freq_fre"; did you mean `word_freq_free`/],
  [{ values: { word_freq_free: Number.NaN } }, /row 0: "word_freq_free" is NaN/],
  [{ values: { word_freq_free: '1' as unknown as number } }, /"word_freq_free" is '1'; expected a finite number/],
  [{ values: {}, time: 'yesterday' }, /row 0: its time is 'yesterday'/],
  [{ values: {}, time: 1_700_000_000_000 as unknown as string }, /row 0: its time is 1700000000000; expected RFC 3339/],
  [{ word_freq_free: 1 } as unknown as Row, /row 0: it has no values; expected { values: { NAME: number } }/],
])('a row that cannot be read is refused: %j', async (row, message) => {
  const model = await loadModel(models, { version: 1 });
  await expect(model.predict([row])).rejects.toThrow(message);
  await model.close();
});

test('of rows, one that stands alone is refused', async () => {
  const model = await loadModel(models, { version: 1 });
  const row = { values: { word_freq_free: 1 } } as unknown as readonly Row[];
  await expect(model.predict(row)).rejects.toThrow('expected a list of rows');
  await model.close();
});

test('a row without a device is filled from no row before it, a row of a device is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-library-'));
  try {
    const draft = await sampleDraft({ imputer: { kind: 'last', maxAgeMs: 1_000 } });
    await openRegistry({ folder, name: 'remembers' }).publish(draft);
    const model = await loadModel(join(folder, 'remembers'));
    const filledOf = async (device?: string) => {
      await model.predict([{ values: { a: 123 }, device }]);
      const [next] = await model.predict([{ values: { b: 1 }, device }]);
      return next?.filled.a;
    };
    expect(await filledOf('pump')).toBe(123);
    expect(await filledOf()).not.toBe(123);
    // Nor is it in one call with rows of devices.
    await model.predict([{ values: { a: 123 } }, { values: { a: 124 }, device: 'pump' }]);
    const [next] = await model.predict([{ values: { b: 1 } }, { values: { b: 1 }, device: 'pump' }]);
    expect(next?.filled.a).not.toBe(123);
    await model.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what is no model is refused with its code', async () => {
  await expect(loadModel(join(models, 'none'))).rejects.toMatchObject({ code: 'model-missing' });
  await expect(loadModel(models, { version: 'nobody' })).rejects.toMatchObject({ code: 'model-missing' });
  const motor = join(models, '../../../motor/models/motor');
  await expect(loadModel(motor)).rejects.toThrow(/rows are made by steps/);
});
