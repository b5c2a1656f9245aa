import { expect, test } from 'vitest';
import { mulberry32 } from '../../numeric/random/mulberry32.ts';
import { GaplineError } from '../../wire/errors.ts';
import { compileSnapshots, trainSnapshots } from '../forest/snapshots.ts';
import { readSnapshots, writeSnapshots } from '../forest/snapshots-json.ts';
import { fitRidge } from '../linear/ridge.ts';
import { readRidge, writeRidge } from '../linear/ridge-json.ts';
import { meansOf } from '../series/deciding.ts';
import { fitRocket, RocketTransform } from '../series/rocket.ts';
import { readRocket, writeRocket } from '../series/rocket-json.ts';
import { planRocket } from '../series/rocket-plan.ts';
import { fitShapelets } from '../series/shapelet-fit.ts';
import { readShapelets, writeShapelets } from '../series/shapelet-json.ts';
import { ShapeletTransform } from '../series/shapelets.ts';

const [channels, length, count, classes] = [2, 24, 12, 3];
const width = channels * length;
const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
const random = mulberry32(1);
const values = Float64Array.from({ length: count * width }, () => random());
const shape = { width, classes };

const ridgeOn = (features: Float32Array | Float64Array, of: number) =>
  fitRidge({ values: features, count, width: of, labels, classes });

const ensemble = await trainSnapshots({ values, count, width, labels, classes, options: { trees: 4 } }, 2);

/** The file of each kind, and what opens it as far as a first prediction. */
const kinds: Record<string, { file: () => unknown; open: (json: unknown) => unknown }> = {
  ridge: { file: () => writeRidge(ridgeOn(values, width)), open: (json) => readRidge(json, shape) },
  snapshots: {
    file: () => writeSnapshots(ensemble),
    open: (json) => compileSnapshots(readSnapshots(json, shape))(values, count),
  },
  rocket: {
    file() {
      const rocket = fitRocket(planRocket({ channels, length }, 200, 1), values, count, 1);
      const transform = new RocketTransform(rocket);
      return writeRocket(rocket, ridgeOn(transform.transform(values, count), transform.features));
    },
    open: (json) => new RocketTransform(readRocket(json, shape).rocket).transform(values, 1),
  },
  shapelets: {
    file() {
      const options = { count: 30, lengths: [5], dilated: true, seed: 1 };
      const set = fitShapelets({ channels, length, values, labels, count, options });
      const transform = new ShapeletTransform(set);
      const features = transform.transform(values, count);
      return writeShapelets(set, ridgeOn(features, transform.features), meansOf(features, count, transform.features));
    },
    open: (json) => new ShapeletTransform(readShapelets(json, shape).set).transform(values, 1),
  },
};

interface Mutation {
  readonly what: string;
  readonly json: unknown;
  /** Whether the file is another one with it, but a whole one: only checksum and self-test can tell. */
  readonly isWhole: boolean;
}

/** Every part of a file left out, of another type, empty, negative, too large or there twice; of a list the first element stands for all. */
function* mutationsOf(json: unknown, path = ''): Generator<Mutation> {
  const put = (what: string, value: unknown, isWhole = false) => ({ what: `${path} ${what}`, json: value, isWhole });
  yield put('null', null);
  yield put('a text', 'x');
  if (typeof json === 'number') {
    // JSON has no infinity, but a number that is too large becomes one.
    yield put('infinite', Number.POSITIVE_INFINITY);
    for (const number of [-1, 0.5, 1e15]) yield put(`${number}`, number, true);
  }
  if (Array.isArray(json)) {
    yield put('empty', []);
    yield put('longer', [...json, json[0]], true);
    for (const each of mutationsOf(json[0], `${path}.0`)) yield { ...each, json: [each.json, ...json.slice(1)] };
  } else if (typeof json === 'object' && json !== null) {
    yield put('with more', { ...json, more: 1 });
    for (const [key, value] of Object.entries(json)) {
      const { [key]: _, ...rest } = json as Record<string, unknown>;
      yield put(`without ${key}`, rest, key === 'means');
      for (const each of mutationsOf(value, `${path}.${key}`)) yield { ...each, json: { ...json, [key]: each.json } };
    }
  }
}

test.each(Object.entries(kinds))(
  'a file of %s that was tampered with is refused, with the reason',
  (_, { file, open }) => {
    const sound = JSON.parse(JSON.stringify(file()));
    open(sound);
    let refused = 0;
    for (const { what, json, isWhole } of mutationsOf(sound)) {
      let error: unknown;
      try {
        open(json);
      } catch (thrown) {
        error = thrown;
      }
      if (error === undefined) {
        expect(isWhole, what).toBe(true);
        continue;
      }
      refused += 1;
      expect(error instanceof GaplineError && error.code, `${what}: ${error}`).toBe('model-invalid');
      expect(String(error)).toMatch(/cannot be used: .{10}/);
    }
    expect(refused).toBeGreaterThan(20);
  },
);
