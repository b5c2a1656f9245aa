import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Model } from '../../core/model/model.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import type { ClassifierOptions } from '../classifier.ts';
import { doubleModel } from '../testing/doubles.ts';
import { changingSource, type Line, openLine, patient } from '../testing/line.ts';
import { engines } from '../testing/lines.ts';

// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
const remembering = 3_600_000;

async function classify(line: Line, first: Model, changes: Partial<ClassifierOptions> = {}) {
  const models = changingSource(first);
  return Object.assign(await line.classify(models, changes), { models });
}

/** A source of challengers whose version can be chosen. */
function challengersOf(versions: Record<number, Model | Error>) {
  let wanted: number | undefined;
  return {
    resolve: async () => wanted,
    load: async (version: number) => {
      const model = versions[version]!;
      if (model instanceof Error) throw model;
      return model;
    },
    want(version: number | undefined) {
      wanted = version;
    },
  };
}

describe.each(engines)('on $engine', { timeout: 120_000 }, ({ engine, notRun }) => {
  const test = it.skipIf(notRun);
  let line: Line;
  beforeEach(async () => {
    line = await openLine(engine);
  });
  afterEach(() => line?.close());

  test('another version takes over between two batches, in every partition, and the old one is closed', async () => {
    const closed = vi.fn();
    const classifier = await classify(line, doubleModel({ closed }));
    const devices = ['p', 'q', 'r', 's', 't', 'u'];
    await line.send(...devices.map((device) => ({ device, time: 1 })));
    await classifier.taken(6);
    classifier.models.change(doubleModel({ version: 2 }));
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1), patient);
    await line.send(...devices.map((device) => ({ device, time: 2 })));
    await classifier.taken(12);
    for (const { time, model } of await line.predictions()) expect(model.version).toBe(Number(time));
    expect(classifier.totals().model).toEqual({ name: 'double', version: 2 });
    expect(await classifier.registry.metrics()).toContain('gapline_classifier_model_info{name="double",version="2"} 1');
  });

  test('a change in the middle of a batch waits for its commit', async () => {
    const begun = Promise.withResolvers<void>();
    const resume = Promise.withResolvers<void>();
    const closed = vi.fn();
    const before = async () => {
      begun.resolve();
      await resume.promise;
    };
    const classifier = await classify(line, doubleModel({ before, closed }));
    await line.send({ time: 1 });
    await begun.promise;
    classifier.models.change(doubleModel({ version: 2 }));
    await line.send({ time: 2 });
    expect(closed).not.toHaveBeenCalled();
    resume.resolve();
    await classifier.taken(2);
    expect((await line.predictions()).map(({ time, model }) => [time, model.version])).toEqual([
      ['1', 1],
      ['2', 2],
    ]);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1), patient);
  });

  test('the next version remembers what was committed before it and during its warm-up', async () => {
    const classifier = await classify(line, doubleModel());
    await line.send(
      { device: 'x', time: 1, values: { a: 20, b: 1 } },
      { device: 'y', time: 1, values: { a: 3, b: 2 } },
    );
    await classifier.taken(2);
    classifier.models.change(doubleModel({ version: 2, memoryMs: remembering }));
    await line.send({ device: 'y', time: 2, values: { a: 30 } });
    await vi.waitFor(() => expect(classifier.totals().labels).toBe(3), patient);
    await vi.waitFor(async () => {
      const { readings } = classifier.totals();
      await line.send(
        { device: 'z', time: readings },
        { device: 'x', time: readings },
        { device: 'y', time: readings },
      );
      await classifier.taken(readings + 3);
      const newest = (await line.predictions()).filter(({ time }) => time === String(readings));
      expect(newest.map(({ model }) => model.version)).toEqual([2, 2, 2]);
    }, patient);
    await line.send({ device: 'x', time: 9_999, values: {} }, { device: 'y', time: 9_999, values: {} });
    await vi.waitFor(async () => {
      const last = (await line.predictions()).filter(({ time }) => time === '9999');
      expect(last.map(({ device, filled }) => ({ device, filled }))).toEqual([
        { device: 'x', filled: { a: 1, b: 2 } },
        { device: 'y', filled: { a: 1, b: 2 } },
      ]);
    }, patient);
  });

  test('what a version remembers reaches back before the change', async () => {
    const classifier = await classify(line, doubleModel());
    await line.send({ device: 'x', time: 1, values: { a: 20, b: 1 } });
    await classifier.taken(1);
    classifier.models.change(doubleModel({ version: 2, memoryMs: remembering }));
    // It takes over once its state is restored; until then the first version labels, without a memory.
    let time = 1;
    await vi.waitFor(async () => {
      await line.send({ device: 'x', time: ++time, values: {} });
      await classifier.taken(time);
      const last = (await line.predictions()).find((made) => made.time === String(time))!;
      expect(last).toMatchObject({ model: { version: 2 }, label: 'high', filled: { a: 20, b: 1 } });
    }, patient);
  });

  test('a refused version changes nothing but is reported', async () => {
    const classifier = await classify(line, doubleModel());
    classifier.models.refuse(new GaplineError('model-invalid', 'its fields lack b'));
    await line.send({ time: 1 });
    await classifier.taken(1);
    expect((await line.predictions())[0]!.model.version).toBe(1);
    await vi.waitFor(async () => expect((await line.status()).lastError?.message).toBe('its fields lack b'), patient);
    expect(await classifier.registry.metrics()).toContain(
      'gapline_classifier_model_changes_total{outcome="refused"} 1',
    );
  });

  test('a registry that does not respond changes nothing but is reported, and so is its return', async () => {
    const classifier = await classify(line, doubleModel());
    classifier.models.registry(new GaplineError('registry-unavailable', 'MLflow cannot be reached'));
    await line.send({ time: 1 });
    await classifier.taken(1);
    expect((await line.predictions())[0]?.model.version).toBe(1);
    await expect
      .poll(async () => (await line.status()).lastError?.message, { timeout: 60_000 })
      .toBe('MLflow cannot be reached');
    expect(await classifier.registry.metrics()).toMatch(/^gapline_classifier_registry_up 0$/m);
    classifier.models.registry(undefined);
    expect(await classifier.registry.metrics()).toMatch(/^gapline_classifier_registry_up 1$/m);
    await expect.poll(async () => (await line.status()).lastError, { timeout: 60_000 }).toBeUndefined();
  });

  test('under load no reading is left out or labelled twice, and each names its version', async () => {
    const classifier = await classify(line, doubleModel(), { maxBatch: 20 });
    const devices = Array.from({ length: 12 }, (_, device) => `d${device}`);
    const rounds = 60;
    for (let time = 0; time < rounds; time++) {
      await line.send(...devices.map((device) => ({ device, time, values: { a: time } })));
      if (time % 6 === 5) {
        const version = (time + 1) / 6 + 1;
        classifier.models.change(doubleModel({ version, memoryMs: version % 2 ? 0 : remembering }));
      }
    }
    await classifier.taken(rounds * devices.length);
    const made = await line.predictions();
    expect(made).toHaveLength(rounds * devices.length);
    expect(new Set(made.map(({ device, time }) => `${device} ${time}`)).size).toBe(made.length);
    for (const device of devices) {
      const versions = made.filter((one) => one.device === device).map(({ model }) => model.version);
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    }
  });

  test('a challenger labels the same readings to the shadow topic, and both are compared', async () => {
    const challengers = challengersOf({ 2: doubleModel({ version: 2, fields: ['b'] }) });
    const classifier = await classify(line, doubleModel(), { challengers });
    challengers.want(2);
    await vi.waitFor(() => expect(classifier.totals().challenger).toEqual({ name: 'double', version: 2 }), patient);
    await line.send(
      { device: 'x', time: 1, values: { a: 20, b: 1 }, truth: 'high' },
      { device: 'y', time: 1, values: { a: 1, b: 20 }, truth: 'high' },
      { device: 'z', time: 1, values: { a: 1, b: 1 } },
      'broken',
    );
    await classifier.taken(4);
    const shadow = await line.predictions(line.stream.topics.shadow);
    expect(shadow.map(({ device, label, model }) => [device, label, model.version])).toEqual([
      ['x', 'low', 2],
      ['y', 'high', 2],
      ['z', 'low', 2],
    ]);
    expect((await line.predictions()).map(({ label, model }) => [label, model.version])).toEqual([
      ['high', 1],
      ['high', 1],
      ['low', 1],
    ]);
    expect(classifier.totals().comparison).toMatchObject({
      ...{ readings: 3, agreed: 2, skipped: 0, scored: 2 },
      ...{ champion: { accuracy: 1 }, challenger: { accuracy: 0.5, right: 1 } },
    });
    await vi.waitFor(async () => {
      const status = await line.status();
      expect(status.model).toEqual({ name: 'double', version: 1, challenger: 2 });
      expect(status.counters).toMatchObject({
        shadowLabels: 3,
        shadowAgreed: 2,
        shadowRight: 1,
        shadowChampionRight: 2,
      });
    }, patient);
  });

  test('a challenger that throws, hangs or cannot be loaded never keeps the champion from its work', async () => {
    const closed = vi.fn();
    const broken = () => {
      throw new Error('no');
    };
    const challengers = challengersOf({
      2: doubleModel({ version: 2, before: broken, closed }),
      3: doubleModel({ version: 3, before: () => new Promise(() => {}), closed }),
      4: new GaplineError('model-invalid', 'checksum'),
      5: doubleModel({ version: 5, fields: ['z'], closed }),
    });
    const classifier = await classify(line, doubleModel(), { challengers });
    for (const version of [2, 3]) {
      challengers.want(version);
      await vi.waitFor(() => expect(classifier.totals().challenger?.version).toBe(version), patient);
      const { readings } = classifier.totals();
      for (const time of [1, 2, 3]) await line.send({ time: version * 10 + time });
      await classifier.taken(readings + 3);
      expect(classifier.totals().comparison).toMatchObject({ readings: 0, skipped: 3 });
    }
    challengers.want(4);
    await vi.waitFor(async () => expect((await line.status()).lastError?.message).toContain('checksum'), patient);
    challengers.want(5);
    await vi.waitFor(async () => expect((await line.status()).lastError?.message).toContain('needs z'), patient);
    challengers.want(undefined);
    await vi.waitFor(() => expect(classifier.totals().challenger).toBeUndefined(), patient);
    expect(await line.predictions()).toHaveLength(6);
    expect(await line.all(line.stream.topics.shadow)).toHaveLength(0);
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(3), patient);
  });

  test('a challenger that takes over is no challenger any more', async () => {
    const challengers = challengersOf({ 2: doubleModel({ version: 2 }) });
    const classifier = await classify(line, doubleModel(), { challengers });
    challengers.want(2);
    await vi.waitFor(() => expect(classifier.totals().challenger?.version).toBe(2), patient);
    classifier.models.change(doubleModel({ version: 2 }));
    await vi.waitFor(() => expect(classifier.totals().challenger).toBeUndefined(), patient);
    expect(classifier.totals().model?.version).toBe(2);
  });
});
