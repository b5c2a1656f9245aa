import { expect, onTestFinished, test, vi } from 'vitest';
import type { Model } from '../../core/model/model.ts';
import { doubleModel } from '../testing/doubles.ts';
import { patient, silent } from '../testing/line.ts';
import { followModels } from './following.ts';

/** Follows the challenger that `wanted` names, and counts the looks. */
function follow(load: (version: number) => Promise<Model>) {
  const followed = { wanted: undefined as number | undefined, looks: 0, refused: [] as string[] };
  const labelling: (number | undefined)[] = [];
  const { stop } = followModels({
    models: { current: async () => doubleModel() },
    champion: doubleModel(),
    challengers: {
      async resolve() {
        followed.looks += 1;
        return followed.wanted;
      },
      load,
    },
    logger: silent,
    onChampion: () => {},
    onChallenger: (model) => labelling.push(model?.identity.version),
    onRefused: (reason) => followed.refused.push(reason),
    onRegistry: () => {},
    onHistory: () => {},
    everyMs: 1,
  });
  onTestFinished(stop);
  return Object.assign(followed, { labelling, stop });
}

test('a challenger that cannot be loaded is reported once, and tried again now and then until it can', async () => {
  const load = vi.fn(async (version: number) => {
    if (load.mock.calls.length < 3) throw new Error('checksum');
    return doubleModel({ version });
  });
  const followed = follow(load);
  followed.wanted = 2;
  await vi.waitFor(() => expect(followed.labelling).toEqual([2]), patient);
  expect(load).toHaveBeenCalledTimes(3);
  expect(followed.looks).toBeGreaterThan(60);
  expect(followed.refused).toEqual(['challenger: checksum']);
});

test('another version is tried at once, and the refused one when it is named again', async () => {
  const loads: { version: number; look: number }[] = [];
  const followed = follow(async (version) => {
    loads.push({ version, look: followed.looks });
    if (version === 2) throw new Error('checksum');
    return doubleModel({ version });
  });
  /** The look that follows is the first to load it. */
  async function name(version: number, known: () => void): Promise<void> {
    const before = followed.looks;
    followed.wanted = version;
    await vi.waitFor(known, patient);
    expect(loads.find(({ look }) => look > before)).toEqual({ version, look: before + 1 });
  }
  await name(2, () => expect(followed.refused).toHaveLength(1));
  await name(3, () => expect(followed.labelling).toEqual([3]));
  await name(2, () => expect(followed.refused).toHaveLength(2));
  followed.wanted = undefined;
  await vi.waitFor(() => expect(followed.labelling).toEqual([3, undefined]), patient);
});

test('a challenger that is loaded while the following stops is closed, not handed over', async () => {
  const loading = Promise.withResolvers<void>();
  const loaded = Promise.withResolvers<void>();
  const closed = vi.fn();
  const followed = follow((version) => {
    loading.resolve();
    return loaded.promise.then(() => doubleModel({ version, closed }));
  });
  followed.wanted = 2;
  await loading.promise;
  const stopped = followed.stop();
  loaded.resolve();
  await stopped;
  expect(closed).toHaveBeenCalledTimes(1);
  expect(followed.labelling).toEqual([]);
});
