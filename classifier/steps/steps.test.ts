// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { describe, expect, test } from 'vitest';
import { doubleModel } from '../testing/doubles.ts';
import { changingSource, type ReadingParts, untilTaken } from '../testing/line.ts';
import { engines, linesOfEachTest } from '../testing/lines.ts';
import { identities, samples, second, startNs, steps, undisturbed } from '../testing/windows.ts';

const lines = linesOfEachTest();

test('a window gives one prediction, with where it begins and what it holds', async () => {
  const line = await lines.open();
  const classifier = await line.classify(doubleModel({ steps }));
  const at = (ms: number, a: number | null, truth = 'high') => ({
    ...{ device: 'd', time: startNs + ms * 1_000_000, values: { a, b: 1 }, truth },
  });
  const late = at(100, 99);
  await line.send(at(0, 1), at(500, null), at(900, 5), at(900, 7), at(1_250, 3), late, at(2_300, 4, 'low'), 'no JSON');
  await classifier.taken(8);
  const [first, second_, ...more] = await line.predictions();
  expect(more).toEqual([]);
  expect(first).toMatchObject({ device: 'd', time: `${startNs + second}`, from: `${startNs}`, truth: 'high' });
  expect(first).toMatchObject({ samples: 3, missing: 1, gaps: 0, label: 'high' });
  expect(second_).toMatchObject({ time: `${startNs + 2 * second}`, from: `${startNs + second}`, samples: 1 });
  const { readings, labels, skippedBy, deadLetters, held } = classifier.totals();
  expect({ readings, labels, deadLetters, skippedBy, held }).toEqual({
    ...{ readings: 8, labels: 2, deadLetters: 1, skippedBy: { late: 1 }, held: 1 },
  });
  expect(classifier.totals().steps).toEqual({ consumed: 4, duplicates: 1, mixed: 0, refused: 0 });
});

test('every reading is consumed, a duplicate, a skip, a dead letter or still held', async () => {
  const line = await lines.open();
  const classifier = await line.classify(doubleModel({ steps }));
  const readings = samples(6);
  await line.send(...readings, { ...readings[3], time: startNs }, 'no JSON');
  await classifier.taken(readings.length + 2);
  const totals = classifier.totals();
  const { consumed = 0, duplicates = 0 } = totals.steps ?? {};
  expect(consumed + duplicates + totals.skipped + totals.deadLetters + totals.held).toBe(totals.readings);
  expect(totals.held).toBeGreaterThan(0);
  expect(totals.steps?.mixed).toBeGreaterThan(0);
});

describe.each(engines)('on $engine', ({ engine, notRun, because }) => {
  test.skipIf(notRun)(
    `windows are the same after any number of restarts and a long outage${because}`,
    { timeout: 120_000 },
    async () => {
      const readings = samples(8);
      const wanted = await undisturbed(readings);
      expect(wanted.length).toBeGreaterThan(25);
      const line = await lines.open(engine);
      for (let part = 0; part < 4; part++) {
        // Sent while nothing is at work: to the windows an outage of two seconds.
        await line.send(...readings.slice(part * 100, (part + 1) * 100));
        const classifier = await line.classify(doubleModel({ steps }), {
          ...{ maxBatch: 9, checkpoints: { everyRecords: 1 + part * 25, everyMs: 3_600_000 } },
        });
        await untilTaken(line);
        await classifier.stop();
      }
      expect(identities(await line.predictions())).toEqual(wanted);
    },
  );

  test.skipIf(notRun)(
    `what an imputer remembers survives a restart exactly, however long ago it was${because}`,
    { timeout: 120_000 },
    async () => {
      const line = await lines.open(engine);
      const model = () => doubleModel({ memoryMs: 1 });
      const first = await line.classify(model());
      await line.send({ device: 'd', time: 1, values: { a: 7, b: 8 } });
      await untilTaken(line);
      await first.stop();
      await line.send({ device: 'd', time: 2, values: { a: null, b: null } });
      await line.classify(model());
      await untilTaken(line);
      expect((await line.predictions()).map(({ filled }) => filled)).toEqual([{}, { a: 7, b: 8 }]);
    },
  );
});

test('samples that come in batches give the windows that single ones do', async () => {
  const readings = samples(6).filter(({ device }) => device !== 'd1');
  const wanted = await undisturbed(readings);
  // By device and second: one record of ten samples, the last of which sends less than it could.
  const seconds = Map.groupBy(readings, ({ device, time = 0 }) => `${device} ${Math.floor((time - startNs) / second)}`);
  const records = [...seconds.values()].flatMap((own) =>
    // Truth is said once a record.
    [...Map.groupBy(own, ({ truth }) => truth).values()].flatMap((same) =>
      (same.length === 10 ? [same] : same.map((one) => [one])).map((some) => ({
        ...some[0],
        rate: 10,
        values: Object.fromEntries(['a', 'b'].map((name) => [name, some.map(({ values }) => values?.[name] ?? null)])),
      })),
    ),
  );
  expect(records.length).toBeLessThan(readings.length / 2);
  const line = await lines.open();
  await line.classify(doubleModel({ steps }), { maxBatch: 3 });
  await line.send(...(records as ReadingParts[]).sort((a, b) => (a.time ?? 0) - (b.time ?? 0)));
  await untilTaken(line);
  expect(identities(await line.predictions())).toEqual(wanted);
});

test('where records of many samples overlap, the later sample of a time wins, and that is counted', async () => {
  const line = await lines.open();
  const at = (tenths: number) => startNs + tenths * (second / 10);
  const classifier = await line.classify(doubleModel({ steps }), { maxBatch: 1 });
  await line.send(
    { device: 'd', time: at(0), rate: 10, values: { a: [1, 2, 3, 4, 5], b: [0, 0, 0, 0, 0] } },
    // The last two again, with other values, and two more; a single one falls onto another.
    { device: 'd', time: at(3), rate: 10, values: { a: [8, 9, 1, 2], b: [0, 0, 0, 0] } },
    { device: 'd', time: at(1), values: { a: 7, b: 0 } },
    { device: 'd', time: at(12), values: { a: 1, b: 0 } },
    // Its window is closed.
    { device: 'd', time: at(2), values: { a: 100, b: 0 } },
  );
  await classifier.taken(12);
  const [prediction, ...more] = await line.predictions();
  expect(more).toEqual([]);
  expect(prediction).toMatchObject({ samples: 7, missing: 0 });
  // By channel the mean and the largest: 1 7 3 8 9 1 2 of a.
  const values = [31 / 7, 9, 0, 0];
  expect(prediction?.label).toBe(values.reduce((sum, value) => sum + value, 0) > 10 ? 'high' : 'low');
  const { steps: counted, skippedBy } = classifier.totals();
  expect(counted).toMatchObject({ consumed: 7, duplicates: 3 });
  expect(skippedBy).toEqual({ late: 1 });
});

test('a record that says that its segment is whole closes the windows of its device at once', async () => {
  const line = await lines.open();
  const at = (seconds: number) => startNs + seconds * second;
  await line.classify(doubleModel({ steps }), { maxBatch: 1 });
  await line.send(
    { device: 'single', time: at(0.5), values: { a: 1, b: 2 }, endsSegment: true },
    { device: 'many', time: at(0.1), rate: 10, values: { a: [4, 5], b: [6] }, endsSegment: true },
    { device: 'other', time: at(0.5), values: { a: 1, b: 1 } },
    { device: 'empty', time: at(0.5), values: { a: 7, b: 8 } },
    { device: 'empty', time: at(0.6), values: {}, endsSegment: true },
    // Of the next segment, and the first record again, as a device sends it that got no answer.
    { device: 'single', time: at(1.2), values: { a: 3, b: 3 } },
    { device: 'single', time: at(0.5), values: { a: 1, b: 2 }, endsSegment: true },
  );
  await untilTaken(line);
  const found = (await line.predictions()).map(({ device, time, samples: count, missing }) => ({
    ...{ device, end: (Number(time) - startNs) / second, count, missing },
  }));
  expect(found).toEqual([
    { device: 'empty', end: 1, count: 1, missing: 0 },
    { device: 'many', end: 1, count: 2, missing: 0 },
    { device: 'single', end: 1, count: 1, missing: 0 },
  ]);
});

test('without steps, each sample of a batch is labelled like a reading', async () => {
  const line = await lines.open();
  await line.classify(doubleModel());
  await line.send(
    { device: 'd', time: 1, values: { a: 1, b: 2 } },
    { device: 'd', time: startNs, rate: 3, values: { a: [1, null, 9], b: [2, 3, 4, 5] }, truth: 'low' },
    { device: 'd', time: startNs, rate: 3, values: { a: [] } },
    JSON.stringify({ stream: line.stream.name, device: 'd', time: '1', rate: 0, values: {}, received: '1' }),
  );
  await untilTaken(line);
  const found = await line.predictions();
  expect(
    found.map(({ time, label, gaps, truth }) => [Number(BigInt(time) - BigInt(startNs)), label, gaps, truth]),
  ).toEqual([
    [1 - startNs, 'low', 0, undefined],
    [0, 'low', 0, 'low'],
    [333_333_333, 'low', 1, 'low'],
    [666_666_666, 'high', 0, 'low'],
    [1_000_000_000, 'low', 1, 'low'],
  ]);
  expect((await line.deadLetters()).map(({ reason }) => reason)).toEqual([expect.stringContaining('rate')]);
});

test('a model with the same steps takes over open windows', async () => {
  const readings = samples(6);
  const wanted = await undisturbed(readings);
  const line = await lines.open();
  const source = changingSource(doubleModel({ steps }));
  const classifier = await line.classify(source);
  await line.send(...readings.slice(0, 130));
  await classifier.taken(130);
  source.change(doubleModel({ version: 2, steps }));
  await line.send(...readings.slice(130));
  await classifier.taken(readings.length);
  const found = await line.predictions();
  expect(new Set(found.map(({ model }) => model.version))).toEqual(new Set([1, 2]));
  const one = found.map((prediction) => ({ ...prediction, model: { name: 'double', version: 1 } }));
  expect(identities(one)).toEqual(wanted);
});
