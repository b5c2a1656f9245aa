import { expect, test } from 'vitest';
import { deadLetterKey, decodeDeadLetter, encodeDeadLetter } from '../../wire/dead-letter.ts';
import { GaplineError } from '../../wire/errors.ts';
import type { Batch, Stall, StoredRecord } from '../port.ts';
import {
  contents,
  copyTo,
  deadline,
  expectContents,
  type LogFixture,
  numbered,
  numbers,
  patient,
  record,
  texts,
} from './fixture.ts';

const unavailable = () => new GaplineError('store-unavailable', 'the model server is unavailable', { retryable: true });
const poison = () => new GaplineError('internal', 'this cannot be read', { retryable: false });

export function failing(fixture: () => LogFixture): void {
  test('waits out a transform that fails for a while, visibly, and loses and duplicates nothing', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const stalls: Stall[] = [];
    let changes = 0;
    await log.append(topic, numbered(0, 50), deadline);
    await log.pipe(
      { from: [topic], group: fixture().name('group'), maxBatch: 10 },
      {
        ...copyTo(copy),
        async transform(batch) {
          if (stalls.length < 8) throw unavailable();
          return { ...(await copyTo(copy).transform(batch)), committed: () => void changes++ };
        },
        stalled: (stall) => void stalls.push(stall),
      },
    );
    await expectContents(log, copy, numbers(0, 50));
    expect(stalls.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(stalls[0]).toMatchObject({ topic, partition: 0, error: { message: 'the model server is unavailable' } });
    expect(texts(await contents(log, copy))).toEqual(numbers(0, 50));
    await expect.poll(() => changes, patient).toBeGreaterThanOrEqual(5);
  });

  test('stalls one partition for ever, stays stoppable, and leaves the others alone', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 3);
    const copy = await fixture().topic(log, 'copy', 3);
    const group = fixture().name('group');
    await log.append(topic, numbered(0, 60, 20), deadline);
    const stuck = (await contents(log, topic)).filter(({ partition }) => partition === 1);
    const stalls: Stall[] = [];
    const running = await log.pipe(
      { from: [topic], group },
      {
        ...copyTo(copy),
        transform(batch) {
          if (batch.partition === 1) throw unavailable();
          return copyTo(copy).transform(batch);
        },
        stalled: (stall) => void stalls.push(stall),
      },
    );
    const others = numbers(0, 60).filter((number) => !texts(stuck).includes(number));
    await expectContents(log, copy, others);
    await expect.poll(() => stalls.length, patient).toBeGreaterThan(6);
    expect((await log.lag(group, [topic])).map(({ lag }) => lag)).toEqual([0, stuck.length, 0]);
    await running.stop();
    const after = stalls.length;
    await log.pipe({ from: [topic], group }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 60));
    expect(stalls).toHaveLength(after);
  });

  test('makes one dead letter of a poison record in the middle of a batch, and the rest continues in order', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const letters = await fixture().topic(log, 'deadletters', 1);
    await log.append(topic, numbered(0, 64), deadline);
    const changed: StoredRecord[] = [];
    await log.pipe(
      { from: [topic], group: fixture().name('group') },
      {
        ...copyTo(copy, letters),
        async transform(batch) {
          if (texts(batch.records).includes('37')) throw poison();
          return { ...(await copyTo(copy).transform(batch)), committed: () => changed.push(...batch.records) };
        },
      },
    );
    const rest = numbers(0, 64).filter((number) => number !== '37');
    await expectContents(log, copy, rest);
    expect(texts(await contents(log, copy))).toEqual(rest);
    expect(texts(await contents(log, letters))).toEqual(['37: this cannot be read']);
    await expect.poll(() => texts(changed), patient).toEqual(rest);
  });

  test('commits the parts of a halved batch one by one: what is not done yet is not committed', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const group = fixture().name('group');
    await log.append(topic, numbered(0, 64), deadline);
    const stalls: Stall[] = [];
    const first = await log.pipe(
      { from: [topic], group },
      {
        ...copyTo(copy),
        transform(batch) {
          const own = texts(batch.records);
          if (own.includes('63')) throw own.includes('0') ? poison() : unavailable();
          return copyTo(copy).transform(batch);
        },
        stalled: (stall) => void stalls.push(stall),
      },
    );
    await expect.poll(() => stalls.length, patient).toBeGreaterThan(0);
    const done = texts(await contents(log, copy));
    expect(done).toEqual(numbers(0, done.length));
    expect(done).toHaveLength(32);
    await first.stop();
    expect((await log.lag(group, [topic]))[0]).toMatchObject({ committed: 32n, lag: 32 });
    await log.pipe({ from: [topic], group }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 64));
  });

  test('counts an error as permanent after some attempts where it does not state that, and names the cause', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const letters = await fixture().topic(log, 'deadletters', 1);
    await log.append(topic, numbered(0, 8), deadline);
    let alone = 0;
    await log.pipe(
      { from: [topic], group: fixture().name('group'), attempts: 3 },
      {
        ...copyTo(copy, letters),
        transform(batch: Batch) {
          if (!texts(batch.records).includes('5')) return copyTo(copy).transform(batch);
          if (batch.records.length === 1) alone += 1;
          throw new Error('odd', { cause: new Error('deep down') });
        },
      },
    );
    await expectContents(
      log,
      copy,
      numbers(0, 8).filter((number) => number !== '5'),
    );
    await expectContents(log, letters, ['5: odd (deep down)']);
    expect(alone).toBe(3);
  });

  test('waits out a warm-up that fails for a while, and fails for good where it is permanent', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    await log.append(topic, numbered(0, 5), deadline);
    let failures = 0;
    const first = await log.pipe(
      { from: [topic], group: fixture().name('group') },
      {
        ...copyTo(copy),
        async assigned() {
          if (failures++ < 3) throw unavailable();
        },
      },
    );
    await expectContents(log, copy, numbers(0, 5));
    await first.stop();

    const second = await log.pipe(
      { from: [topic], group: fixture().name('other') },
      {
        ...copyTo(copy),
        assigned: () => Promise.reject(poison()),
      },
    );
    await expect(second.failed).rejects.toMatchObject({ message: 'this cannot be read' });
    await second.stop();
  });

  test.each(['pipe', 'drain'] as const)('a %s is stopped by nothing that stands in a topic', async (kind) => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const letters = await fixture().topic(log, 'deadletters', 1);
    const hostile = [
      record('a', '\u0001'.repeat(200_000)),
      record('a', '9'.repeat(890_000)),
      record('k'.repeat(500_000), ''),
    ];
    await log.append(topic, [...hostile, record('a', 'good')], deadline);
    const taken: string[] = [];
    const deadLetter = (stored: StoredRecord, error: unknown, maxBytes?: number) => ({
      topic: letters,
      key: deadLetterKey(stored.key),
      value: encodeDeadLetter('test', stored, String(error), new Date(), maxBytes),
    });
    const take = ({ records }: Batch) => {
      if (texts(records).some((value) => value !== 'good')) throw poison();
      taken.push(...texts(records));
    };
    const options = { from: [topic], group: fixture().name('group') };
    const transform = (batch: Batch) => {
      take(batch);
      return { outputs: [] };
    };
    if (kind === 'pipe') await log.pipe(options, { transform, deadLetter });
    else await log.drain(options, async (batch) => transform(batch).outputs, deadLetter);
    await expect.poll(() => taken, patient).toEqual(['good']);
    await expect.poll(async () => (await log.lag(options.group, [topic]))[0]?.lag, patient).toBe(0);
    const found = (await contents(log, letters)).map(({ value }) => decodeDeadLetter(value));
    expect(found).toMatchObject([
      { key: 'a', cut: { valueBytes: 200_000 } },
      { key: 'a', cut: { valueBytes: 890_000 } },
      { key: 'k'.repeat(256), cut: { keyBytes: 500_000, valueBytes: 0 } },
    ]);
  });
}
