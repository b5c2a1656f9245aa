import { expect, it } from 'vitest';
import { sampleDraft } from '../testing.ts';
import { picturesOf } from './run-pictures.ts';

const metrics = {
  ...{ on: 'holdout' as const, rows: 20, accuracy: 0.75, f1: 0.7 },
  confusion: [
    [9, 1],
    [4, 6],
  ],
  byGapRate: [{ rate: 0.1, rows: 20, accuracy: 0.7, f1: 0.65 }],
  reliability: [
    { rows: 5, probability: 0.6, accuracy: 0.4 },
    { rows: 15, probability: 0.9, accuracy: 0.85 },
  ],
};

it('draws confusion, importance, reliability and gaps as SVG of its own', async () => {
  const draft = await sampleDraft({ classes: ['<ham> & "co"', 'spam\u0000\ud800'] });
  const pictures = await picturesOf({ ...draft, manifest: { ...draft.manifest, metrics } });
  expect([...pictures.keys()].toSorted()).toEqual(['confusion.svg', 'gaps.svg', 'importance.svg', 'reliability.svg']);
  for (const picture of pictures.values()) {
    expect(picture).toMatch(/^<svg [^>]*>\n[\s\S]*<\/svg>\n$/);
    expect(picture).not.toMatch(/NaN|undefined|<script|href/);
  }
  const confusion = pictures.get('confusion.svg') ?? '';
  expect(confusion).toContain('&lt;ham> &amp; "co"');
  expect(confusion).toContain('spam\ufffd\ufffd');
  for (const count of [9, 1, 4, 6]) expect(confusion).toContain(`>${count}</text>`);
  expect(pictures.get('importance.svg')).toContain('c_;');
  // 0.25 * 0.2 + 0.75 * 0.05
  expect(pictures.get('reliability.svg')).toContain('expected calibration error 8.8 % of 20 labels');
});

it('leaves out what the version does not say, and what nobody could read', async () => {
  const draft = await sampleDraft();
  const { byGapRate, reliability, ...rest } = metrics;
  const names = Array.from({ length: 41 }, (_, at) => `class ${at}`);
  const many = { ...rest, confusion: names.map(() => names.map(() => 1)) };
  const manifest = { ...draft.manifest, metrics: many, importance: [0.2, 0.3, 0.5] };
  expect([...(await picturesOf({ ...draft, manifest })).keys()]).toEqual(['importance.svg']);
});
