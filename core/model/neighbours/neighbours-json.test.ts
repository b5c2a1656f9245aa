import { describe, expect, it } from 'vitest';
import { fitNeighbours } from './neighbours.ts';
import { type NeighboursFile, readNeighbours, writeNeighbours } from './neighbours-json.ts';
import { separableRows } from './testing.ts';

const { rows, labels } = separableRows({ count: 6, width: 3 });
const shape = { width: 3, classes: 2 };
const fitted = await fitNeighbours({
  rows,
  labels,
  classes: 2,
  copies: [rows.values],
  transform: 'quantile',
  steps: 2,
});
/** As it lies on the disk. */
const good = (): NeighboursFile => JSON.parse(JSON.stringify(writeNeighbours(fitted)));

describe('a file of neighbours', () => {
  it('is read as it was written', () => {
    expect(readNeighbours(good(), shape)).toEqual(fitted);
  });

  it.each<[string, (file: NeighboursFile) => unknown, RegExp]>([
    ['that is none', () => null, /expected object/],
    ['with another name', (file) => ({ ...file, name: 'KNN' }), /name: /],
    ['with a key that nobody knows', (file) => ({ ...file, extra: 1 }), /extra/],
    ['without doubt', ({ doubt: _, ...file }) => file, /doubt: it is missing/],
    ['whose doubt is none', (file) => ({ ...file, doubt: 0 }), /doubt: /],
    ['that is not sharp', (file) => ({ ...file, sharpness: -1 }), /sharpness: /],
    ['with a weight below zero', (file) => void file.weights.splice(1, 1, -1), /weights\.1: /],
    ['with a weight beyond all reason', (file) => void file.weights.splice(1, 1, 1e300), /weights\.1: /],
    ['with a weight too few', (file) => void file.weights.pop(), /weights has 5 entries for 3 fields/],
    ['with a spread of nothing', (file) => void file.spread.splice(2, 1, 0), /spread\.2: /],
    ['with a spread too many', (file) => void file.spread.push(1), /spread has 4 entries for 3 fields/],
    ['with a center too few', (file) => void file.center.pop(), /center has 2 entries for 3 fields/],
    ['with a center that is no number', (file) => ({ ...file, center: [0, null, 0] }), /center\.1: /],
    ['with a transform too few', (file) => void file.transforms.pop(), /transforms has 2 entries for 3 fields/],
    [
      'with a transform that nobody knows',
      (file) => ({ ...file, transforms: [{ kind: 'magic' }, ...file.transforms.slice(1)] }),
      /transforms\.0\.kind: /,
    ],
    [
      'with a transform that leads nowhere',
      (file) => ({ ...file, transforms: file.transforms.map((each) => ({ ...each, to: [0] })) }),
      /transforms\.0: from and to must be equally many/,
    ],
    ['with a share of zero', (file) => ({ ...file, shares: [1, 0] }), /shares\.1: /],
    ['with a share too many', (file) => void file.shares.push(0.1), /shares has 3 entries for 2 classes/],
    ['with votes that count less than nothing', (file) => ({ ...file, classWeights: [1, -1] }), /classWeights\.1: /],
    ['where no vote counts', (file) => ({ ...file, classWeights: [0, 0] }), /classWeights: no vote counts/],
    ['with a class weight too few', (file) => void file.classWeights.pop(), /classWeights has 1 entries for 2 classes/],
    ['without rows', (file) => ({ ...file, rows: [], labels: [] }), /rows: /],
    ['with a row too short', (file) => void file.rows[4]!.pop(), /row 4 has 2 values for 3 fields/],
    ['with a row that has a gap', (file) => ({ ...file, rows: [[1, null, 2]] }), /rows\.0\.1: /],
    ['with a label too few', (file) => void file.labels.pop(), /6 rows but 5 labels/],
    ['with a vote for no class', (file) => void file.labels.splice(3, 1, 2), /row 3 votes for class 2 of 2/],
    ['with half a label', (file) => void file.labels.splice(3, 1, 0.5), /labels\.3: /],
  ])('%s is refused with the reason', (_, edit, reason) => {
    const file = good();
    const edited = edit(file);
    expect(() => readNeighbours(edited === undefined ? file : edited, shape)).toThrow(
      expect.objectContaining({ code: 'model-invalid', message: expect.stringMatching(reason) }),
    );
  });

  it('of another shape than the model is refused', () => {
    expect(() => readNeighbours(good(), { ...shape, width: 4 })).toThrow(/3 entries for 4 fields/);
    expect(() => readNeighbours(good(), { ...shape, classes: 3 })).toThrow(/2 entries for 3 classes/);
  });
});
