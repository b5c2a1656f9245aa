import { expect, test } from 'vitest';
import { GaplineError } from '../../wire/errors.ts';
import type { Batch, Checkpoint, EventLog, History, PipeHandlers, PipeOptions } from '../port.ts';
import {
  contents,
  copyTo,
  deadLetterTo,
  deadline,
  expectContents,
  type LogFixture,
  numbered,
  numbers,
  patient,
  record,
  sorted,
  text,
  texts,
} from './fixture.ts';

/** A state that shows which records went into it, and how often; padded to a size. */
class Seen {
  readonly #padding: string;
  readonly byPartition = new Map<number, string[]>();
  /** What was found when a partition was assigned. */
  readonly found: (Checkpoint | undefined)[] = [];
  replayed = 0;

  constructor(padding = 0) {
    this.#padding = 'x'.repeat(padding);
  }

  get all(): string[] {
    return sorted([...this.byPartition.values()].flat());
  }

  handlers(topic: string): PipeHandlers {
    return {
      ...copyTo(topic),
      assigned: (partition, history) => this.#restore(partition, history),
      revoked: (partition) => void this.byPartition.delete(partition),
      transform: async (batch) => ({
        outputs: (await copyTo(topic).transform(batch)).outputs,
        committed: () => void this.byPartition.get(batch.partition)?.push(...texts(batch.records)),
      }),
      save: (partition) => Buffer.from(JSON.stringify([this.#padding, this.byPartition.get(partition)])),
    };
  }

  async #restore(partition: number, history: History): Promise<void> {
    const found = await history.checkpoint();
    const state: string[] = found ? JSON.parse(Buffer.from(found.state).toString())[1] : [];
    for await (const records of history.from(found?.positions ?? new Map())) {
      state.push(...texts(records));
      this.replayed += records.length;
    }
    this.byPartition.set(partition, state);
    this.found.push(found);
  }
}

export function restoring(fixture: () => LogFixture): void {
  async function topicsOf(log: EventLog, partitions = 3) {
    const topic = await fixture().topic(log, 'readings', partitions);
    const copy = await fixture().topic(log, 'copy', partitions);
    const state = await fixture().topic(log, 'state', partitions, { compacted: true });
    return { topic, copy, state };
  }

  const optionsOf = (topic: string, state: string, everyRecords: number): PipeOptions => ({
    ...{ from: [topic], group: fixture().name('group'), maxBatch: 7 },
    checkpoints: { topic: state, everyRecords, everyMs: 3_600_000 },
  });

  test('keeps records of one partitioning key together, whatever their keys', async () => {
    const log = await fixture().open();
    const { topic, copy } = await topicsOf(log);
    const own = numbered(0, 60, 20).map((one, at) => ({ ...one, partitionKey: `subject-${at % 4}` }));
    await log.append(topic, own, deadline);
    const spread = (records: Awaited<ReturnType<typeof contents>>) =>
      [...Map.groupBy(records, (stored) => Number(text(stored)) % 4).values()].map(
        (group) => new Set(group.map(({ partition }) => partition)).size,
      );
    const held = await contents(log, topic);
    expect(spread(held)).toEqual([1, 1, 1, 1]);
    expect(new Set(held.map(({ key }) => key)).size).toBe(20);
    await log.pipe(
      { from: [topic], group: fixture().name('group') },
      {
        ...copyTo(copy),
        transform: ({ records }) => ({
          outputs: records.map((one) => ({
            ...{ topic: copy, key: one.key, value: one.value, partitionKey: `subject-${Number(text(one)) % 4}` },
          })),
        }),
      },
    );
    await expectContents(log, copy, numbers(0, 60));
    expect(spread(await contents(log, copy))).toEqual([1, 1, 1, 1]);
  });

  test('keeps the last record of each key of a compacted topic', async () => {
    const log = await fixture().open();
    const { state } = await topicsOf(log);
    await log.append(state, numbered(0, 400), deadline);
    const last = Map.groupBy(await contents(log, state), ({ key }) => key);
    expect(sorted([...last.values()].flatMap((own) => texts(own).slice(-1)))).toEqual(numbers(395, 400));
  });

  test('restores a state from its last checkpoint and the records since, after every stop', async () => {
    const log = await fixture().open();
    const { topic, copy, state } = await topicsOf(log);
    const options = optionsOf(topic, state, 20);
    for (let round = 0; round < 3; round++) {
      const seen = new Seen();
      await log.append(topic, numbered(round * 100, round * 100 + 100, 20), deadline);
      const running = await log.pipe(options, seen.handlers(copy));
      await expectContents(log, copy, numbers(0, round * 100 + 100));
      await expect.poll(() => seen.all, patient).toEqual(numbers(0, round * 100 + 100));
      expect(seen.found.every((found) => (found !== undefined) === round > 0)).toBe(true);
      // Less than what the cadence lets a partition miss: the checkpoint was taken, not all of the past.
      expect(seen.replayed).toBeLessThan(3 * (20 + 7 + 1));
      await running.stop();
    }
  });

  test('gives the state of a checkpoint back that is larger than a record may be', async () => {
    const log = await fixture().open();
    const { topic, copy, state } = await topicsOf(log, 1);
    const options = optionsOf(topic, state, 30);
    await log.append(topic, numbered(0, 50), deadline);
    const large = await log.pipe(options, new Seen(2_300_000).handlers(copy));
    await expectContents(log, copy, numbers(0, 50));
    await large.stop();
    const seen = new Seen();
    const small = await log.pipe(options, seen.handlers(copy));
    await expect.poll(() => seen.found.length, patient).toBe(1);
    expect(seen.found[0]?.state.length).toBeGreaterThan(2_300_000);
    expect(seen.all).toEqual(numbers(0, 50));
    await log.append(topic, numbered(50, 60), deadline);
    await expectContents(log, copy, numbers(0, 60));
    await small.stop();
    // The parts of the larger one before it are still there.
    const again = new Seen();
    await log.pipe(options, again.handlers(copy));
    await expect.poll(() => again.found.length, patient).toBe(1);
    expect(again.found[0]?.state.length).toBeLessThan(1_000);
    expect(again.all).toEqual(numbers(0, 60));
  });

  test('tells of each record that became a dead letter, as a replay meets it', async () => {
    const log = await fixture().open();
    const { topic, copy, state } = await topicsOf(log, 1);
    const letters = await fixture().topic(log, 'deadletters', 1);
    const options = optionsOf(topic, state, 1_000);
    const seen = new Seen();
    const handlers = seen.handlers(copy);
    await log.append(topic, numbered(0, 20), deadline);
    const running = await log.pipe(options, {
      ...handlers,
      transform(batch: Batch) {
        if (batch.records.some((stored) => text(stored) === '13'))
          throw new GaplineError('internal', 'this cannot be read', { retryable: false });
        return handlers.transform(batch);
      },
      passed: (stored) => void seen.byPartition.get(stored.partition)?.push(text(stored)),
      deadLetter: deadLetterTo(letters),
    });
    const others = numbers(0, 20).filter((number) => number !== '13');
    await expectContents(log, copy, others);
    await expect.poll(() => seen.all, patient).toEqual(numbers(0, 20));
    await running.stop();
    const again = new Seen();
    await log.pipe(options, again.handlers(copy));
    await expect.poll(() => again.found.length, patient).toBe(1);
    expect(again.all).toEqual(numbers(0, 20));
  });

  test('gives no checkpoint that is later than where the group was set back to', async () => {
    const log = await fixture().open();
    const { topic, copy, state } = await topicsOf(log, 1);
    const options = optionsOf(topic, state, 5);
    await log.append(topic, numbered(0, 30), deadline);
    const running = await log.pipe(options, new Seen().handlers(copy));
    await expectContents(log, copy, numbers(0, 30));
    await running.stop();
    await log.rewind(options.group, [topic], 0);
    const again = new Seen();
    await log.pipe(options, again.handlers(copy));
    await expectContents(log, copy, [...numbers(0, 30), ...numbers(0, 30)]);
    expect(again.found).toEqual([undefined]);
    await expect.poll(() => again.all, patient).toEqual(numbers(0, 30));
  });

  test('keeps no checkpoint of a batch that was given up', async () => {
    const log = await fixture().open();
    const { topic, copy, state } = await topicsOf(log, 1);
    await log.append(topic, numbered(0, 5), deadline);
    let taken = 0;
    const seen = new Seen();
    const running = await log.pipe(optionsOf(topic, state, 1), {
      ...seen.handlers(copy),
      async transform({ signal }) {
        taken += 1;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return { outputs: [{ topic: copy, ...record('a', 'late') }] };
      },
    });
    await expect.poll(() => taken, patient).toBe(1);
    await running.stop();
    expect(await contents(log, state)).toEqual([]);
  });

  test('replays two inputs in the order in which their batches were committed', { timeout: 120_000 }, async () => {
    const log = await fixture().open();
    const { topic, copy, state } = await topicsOf(log, 1);
    const second = await fixture().topic(log, 'second', 1);
    const options = { ...optionsOf(topic, state, 1_000_000), from: [second, topic] };
    let sent = 0;
    for (let round = 0; round < 4; round++) {
      const seen = new Seen();
      const running = await log.pipe(options, seen.handlers(copy));
      for (let turn = 0; turn < 3 + round; turn++) {
        await log.append(turn % 2 === 0 ? topic : second, numbered(sent, sent + 9), deadline);
        sent += 9;
        await expect.poll(() => seen.byPartition.get(0)?.length, patient).toBe(sent);
      }
      expect(seen.byPartition.get(0)).toEqual(numbers(0, sent));
      await running.stop();
    }
  });
}
