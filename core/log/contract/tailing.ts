import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { EventLog, StoredRecord, TailOptions } from '../port.ts';
import { contents, deadline, type LogFixture, numbered, numbers, patient, sorted, texts } from './fixture.ts';

async function read(log: EventLog, topics: string[], options: TailOptions): Promise<string[]> {
  const all: string[] = [];
  for await (const records of log.tail(topics, options)) all.push(...texts(records));
  return all;
}

/** Whether a record is among the first of its partition. */
function isRead(held: readonly StoredRecord[], partition: number, offset: bigint, first: number): boolean {
  const offsets = held.filter((record) => record.partition === partition).map((record) => record.offset);
  return offsets.slice(0, first).includes(offset);
}

export function tailing(fixture: () => LogFixture): void {
  test('reads the records since a time and ends where the topics ended when it began', async () => {
    const log = await fixture().open();
    const topics = [await fixture().topic(log, 'left'), await fixture().topic(log, 'right')];
    const empty = await fixture().topic(log, 'empty');
    for (const [i, topic] of topics.entries()) await log.append(topic, numbered(i * 20, i * 20 + 20), deadline);
    await sleep(20);
    const since = Date.now();
    await sleep(20);
    for (const [i, topic] of topics.entries()) await log.append(topic, numbered(i * 5 + 40, i * 5 + 45), deadline);

    expect(sorted(await read(log, topics, { since: 0, follow: false }))).toEqual(numbers(0, 50));
    expect(sorted(await read(log, topics, { since, follow: false }))).toEqual(numbers(40, 50));
    expect(await read(log, topics, { since: Date.now() + 60_000, follow: false })).toEqual([]);
    expect(await read(log, topics, { since: 'now', follow: false })).toEqual([]);
    expect(await read(log, [empty], { since: 0, follow: false })).toEqual([]);
  });

  test('parts what there is by a time of arrival into what came before and the rest, each record once', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'parted');
    await log.append(topic, numbered(0, 20), deadline);
    await sleep(20);
    const until = Date.now();
    await sleep(20);
    await log.append(topic, numbered(20, 30), deadline);
    expect(sorted(await read(log, [topic], { since: 0, until }))).toEqual(numbers(0, 20));
    expect(sorted(await read(log, [topic], { since: until, follow: false }))).toEqual(numbers(20, 30));
    expect(await read(log, [topic], { since: until, until })).toEqual([]);
    expect(await read(log, [topic], { since: 0, until: 1 })).toEqual([]);
    expect(sorted(await read(log, [topic], { since: 0, until: Date.now() + 60_000 }))).toEqual(numbers(0, 30));
  });

  test('follows several topics until its signal aborts', async () => {
    const log = await fixture().open();
    const topics = [await fixture().topic(log, 'left'), await fixture().topic(log, 'right')];
    await log.append(topics[0]!, numbered(0, 10), deadline);
    const aborting = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const records of log.tail(topics, { since: 0, signal: aborting.signal })) seen.push(...texts(records));
    })();
    await expect.poll(() => seen.length, patient).toBe(10);
    await log.append(topics[0]!, numbered(10, 15), deadline);
    await log.append(topics[1]!, numbered(15, 20), deadline);
    await expect.poll(() => sorted(seen), patient).toEqual(numbers(0, 20));
    aborting.abort();
    await reading;
    await log.append(topics[0]!, numbered(20, 25), deadline);
    expect(seen).toHaveLength(20);
  });

  test('starts now where `since` is now', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 10), deadline);
    const aborting = new AbortController();
    const tail = log.tail([topic], { since: 'now', signal: aborting.signal })[Symbol.asyncIterator]();
    const first = tail.next();
    let next = 10;
    let done = false;
    first.finally(() => {
      done = true;
    });
    // When an engine starts to listen is its own choice; an older record must never come.
    await expect
      .poll(async () => {
        if (!done) await log.append(topic, numbered(next, ++next), deadline);
        return done;
      }, patient)
      .toBe(true);
    const { value } = await first;
    for (const number of texts(value ?? [])) expect(Number(number)).toBeGreaterThanOrEqual(10);
    aborting.abort();
    expect(await tail.next()).toMatchObject({ done: true });
  });

  test('returns a sample, and counts all that it skipped', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 500), deadline);
    let passed = 0;
    const sampling = {
      everyMs: 200,
      records: 50,
      skipped(name: string, count: number, arrivedMs: number) {
        expect(name).toBe(topic);
        expect(arrivedMs % 200).toBe(0);
        passed += count;
      },
    };
    const seen = await read(log, [topic], { since: 0, follow: false, sampling });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.length + passed).toBe(500);
  });

  test('resumes behind the offsets that were read, and reads a topic from its beginning that ends before them', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 50), deadline);
    const held = await contents(log, topic);
    const read3 = held.filter(({ partition, offset }) => isRead(held, partition, offset, 3));
    const positions = new Map<number, bigint>();
    for (const { partition, offset } of read3) positions.set(partition, offset);
    const rest = held.filter((record) => !read3.includes(record));
    const after = new Map([[topic, positions]]);
    expect(sorted(await read(log, [topic], { since: 0, after, follow: false }))).toEqual(sorted(texts(rest)));
    const named = held.filter(({ partition }) => positions.has(partition)).map(({ partition }) => partition);
    const [partition = 0] = named;
    const beyond = new Map([[topic, new Map([[partition, 1_000_000n]])]]);
    const ofPartition = held.filter((record) => record.partition === partition);
    expect(sorted(await read(log, [topic], { since: 'now', after: beyond, follow: false }))).toEqual(
      sorted(texts(ofPartition)),
    );
  });

  test('names the topic that is missing', async () => {
    const log = await fixture().open();
    const missing = fixture().name('missing');
    await expect(read(log, [missing], { since: 0, follow: false })).rejects.toMatchObject({
      code: 'topic-mismatch',
      message: expect.stringContaining(missing),
    });
  });
}
