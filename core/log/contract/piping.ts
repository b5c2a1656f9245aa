import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type History, totalLag } from '../port.ts';
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
  sorted,
  texts,
} from './fixture.ts';

export function piping(fixture: () => LogFixture): void {
  test('gives each group every record from the oldest on, in order of its key', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copies = await Promise.all(['one', 'two'].map((name) => fixture().topic(log, name)));
    await log.append(topic, numbered(0, 100), deadline);
    for (const copy of copies) {
      await log.pipe({ from: [topic], group: `${copy}.group`, maxBatch: 7 }, copyTo(copy));
    }
    await log.append(topic, numbered(100, 200), deadline);
    for (const copy of copies) {
      await expectContents(log, copy, numbers(0, 200));
      for (const own of Map.groupBy(await contents(log, copy), ({ key }) => key).values()) {
        expect(texts(own)).toEqual(sorted(texts(own)));
      }
    }
  });

  test('never gives more records at once than `maxBatch`, and resumes after a restart where it was', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const group = fixture().name('group');
    const sizes: number[] = [];
    let committed = 0;
    const counting = {
      ...copyTo(copy),
      transform: async (batch: Parameters<ReturnType<typeof copyTo>['transform']>[0]) => {
        const size = batch.records.length;
        sizes.push(size);
        await sleep(2);
        return {
          ...(await copyTo(copy).transform(batch)),
          committed: () => {
            committed += size;
          },
        };
      },
    };
    await log.append(topic, numbered(0, 300), deadline);
    const running = await log.pipe({ from: [topic], group, maxBatch: 10 }, counting);
    await expect.poll(() => sizes.length, patient).toBeGreaterThan(5);
    await Promise.all([running.stop(), running.stop()]);
    const midway = (await contents(log, copy)).length;
    // A batch that takes longer than a stop waits is given up.
    expect(midway).toBe(committed);
    await log.stop();

    const again = await fixture().open();
    await again.pipe({ from: [topic], group, maxBatch: 10 }, counting);
    await expectContents(again, copy, numbers(0, 300));
    expect(Math.max(...sizes)).toBe(10);
  });

  test('changes the state once the outputs are committed, and not when the batch is given up', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const group = fixture().name('group');
    const seen: number[] = [];
    let changed = 0;
    await log.append(topic, numbered(0, 10), deadline);
    const first = await log.pipe(
      { from: [topic], group },
      {
        ...copyTo(copy),
        async transform({ records, signal }) {
          seen.push(records.length);
          // Nobody waits for this: what a transform returns after it was told to give up is not committed.
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          return { outputs: [{ topic: copy, ...record('a', 'late') }], committed: () => void changed++ };
        },
      },
    );
    await expect.poll(() => seen.length, patient).toBe(1);
    await first.stop();
    expect(await contents(log, copy)).toEqual([]);
    expect(changed).toBe(0);

    // Kafka confirms a transaction some milliseconds before its readers see it.
    const heldSoon = async () => {
      const until = performance.now() + 1_000;
      for (;;) {
        const { length } = await contents(log, copy);
        if (length > 0 || performance.now() > until) return length;
      }
    };
    let heldWhenChanged: Promise<number> | undefined;
    await log.pipe(
      { from: [topic], group },
      {
        ...copyTo(copy),
        async transform(batch) {
          const committed = () => {
            heldWhenChanged ??= heldSoon();
          };
          return { ...(await copyTo(copy).transform(batch)), committed };
        },
      },
    );
    await expectContents(log, copy, numbers(0, 10));
    await expect.poll(() => heldWhenChanged, patient).toBeDefined();
    expect(await heldWhenChanged).toBeGreaterThan(0);
  });

  test('takes several topics into one pipe: one partition number processes one batch at a time', async () => {
    const log = await fixture().open();
    const topics = [await fixture().topic(log, 'left', 3), await fixture().topic(log, 'right', 3)];
    const copy = await fixture().topic(log, 'copy');
    const busy = new Map<number, number>();
    const numbersOf = new Map<string | null, Set<number>>();
    let overlaps = 0;
    for (const [i, topic] of topics.entries()) {
      await log.append(topic, numbered(i * 100, i * 100 + 100), deadline);
    }
    await log.pipe(
      { from: topics, group: fixture().name('group'), maxBatch: 5 },
      {
        ...copyTo(copy),
        async transform(batch) {
          const working = (busy.get(batch.partition) ?? 0) + 1;
          busy.set(batch.partition, working);
          if (working > 1) overlaps += 1;
          await sleep(1);
          busy.set(batch.partition, working - 1);
          for (const { key, partition } of batch.records) {
            numbersOf.set(key, (numbersOf.get(key) ?? new Set()).add(partition));
          }
          return copyTo(copy).transform(batch);
        },
      },
    );
    await expectContents(log, copy, numbers(0, 200));
    expect(overlaps).toBe(0);
    expect([...numbersOf.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1]);
  });

  test('refuses a pipe whose topics are missing or differ in the number of partitions', async () => {
    const log = await fixture().open();
    const topics = [await fixture().topic(log, 'left', 3), await fixture().topic(log, 'right', 2)];
    const group = fixture().name('group');
    await expect(log.pipe({ from: topics, group }, copyTo('x'))).rejects.toMatchObject({ code: 'topic-mismatch' });
    const missing = fixture().name('missing');
    await expect(log.pipe({ from: [missing], group }, copyTo('x'))).rejects.toMatchObject({
      code: 'topic-mismatch',
      message: expect.stringContaining(missing),
    });
  });

  test('warms a partition up with its committed history before its first batch, and calls revoked at its end', async () => {
    const log = await fixture().open();
    const topics = [await fixture().topic(log, 'left', 2), await fixture().topic(log, 'right', 2)];
    const copy = await fixture().topic(log, 'copy');
    const group = fixture().name('group');
    for (const [i, topic] of topics.entries()) await log.append(topic, numbered(i * 20, i * 20 + 20), deadline);
    const first = await log.pipe({ from: topics, group }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 40));
    await first.stop();
    await sleep(20);
    const sinceMs = Date.now();
    await sleep(20);
    for (const [i, topic] of topics.entries()) await log.append(topic, numbered(i * 10 + 40, i * 10 + 50), deadline);
    const second = await log.pipe({ from: topics, group }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 60));
    await second.stop();

    const events: string[] = [];
    const past = { all: [] as string[], recent: [] as string[] };
    const collect = async (history: History, since: number, into: string[]) => {
      for await (const records of history.since(since)) into.push(...texts(records));
    };
    await log.append(topics[0]!, numbered(60, 80, 20), deadline);
    const third = await log.pipe(
      { from: topics, group },
      {
        ...copyTo(copy),
        async assigned(partition, history) {
          await collect(history, 0, past.all);
          await collect(history, sinceMs, past.recent);
          events.push(`assigned ${partition}`);
        },
        transform: (batch) => {
          events.push(`batch ${batch.partition}`);
          return copyTo(copy).transform(batch);
        },
        revoked: (partition) => void events.push(`revoked ${partition}`),
      },
    );
    await expectContents(log, copy, numbers(0, 80));
    await third.stop();
    expect(sorted(past.all)).toEqual(numbers(0, 60));
    expect(sorted(past.recent)).toEqual(numbers(40, 60));
    for (const number of [0, 1]) {
      const own = events.filter((event) => event.endsWith(` ${number}`));
      expect([own[0], own.at(-1)]).toEqual([`assigned ${number}`, `revoked ${number}`]);
      expect(new Set(own.slice(1, -1))).toEqual(new Set([`batch ${number}`]));
    }
  });

  test('counts how far a group is behind, and nothing when it is done', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 2);
    const copy = await fixture().topic(log, 'copy', 2);
    const group = fixture().name('group');
    const behind = async () => totalLag(await log.lag(group, [topic]));
    await log.append(topic, numbered(0, 30), deadline);
    expect(await behind()).toBe(30);
    const running = await log.pipe({ from: [topic], group, maxBatch: 4 }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 30));
    await expect.poll(behind, patient).toBe(0);
    await running.stop();
    await log.append(topic, numbered(30, 37), deadline);
    expect(await behind()).toBe(7);
    expect((await log.lag(group, [topic])).map(({ topic, partition }) => [topic, partition])).toEqual([
      [topic, 0],
      [topic, 1],
    ]);
  });

  test('counts nothing behind of a topic that a pipe wrote, once it is taken', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 2);
    const copy = await fixture().topic(log, 'copy', 2);
    const second = await fixture().topic(log, 'second', 2);
    const group = fixture().name('second-group');
    await log.append(topic, numbered(0, 30), deadline);
    await log.pipe({ from: [topic], group: fixture().name('group'), maxBatch: 4 }, copyTo(copy));
    await log.pipe({ from: [copy], group }, copyTo(second));
    await expectContents(log, second, numbers(0, 30));
    await expect.poll(async () => totalLag(await log.lag(group, [copy])), patient).toBe(0);
  });

  test('stops its consumers and tails with the log', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const revoked: number[] = [];
    const assigned: number[] = [];
    await log.pipe(
      { from: [topic], group: fixture().name('group') },
      {
        ...copyTo(topic),
        assigned: async (partition) => void assigned.push(partition),
        revoked: (partition) => void revoked.push(partition),
        transform: () => ({ outputs: [] }),
      },
    );
    await expect.poll(() => assigned.length, patient).toBe(3);
    const tail = log.tail([topic], { since: 'now' })[Symbol.asyncIterator]();
    const end = tail.next();
    await log.stop();
    expect(await end).toMatchObject({ done: true });
    expect(revoked.sort()).toEqual([0, 1, 2]);
  });
}
