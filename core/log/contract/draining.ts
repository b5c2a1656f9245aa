import { expect, test } from 'vitest';
import { GaplineError } from '../../wire/errors.ts';
import type { Stall } from '../port.ts';
import {
  deadLetterTo,
  deadline,
  expectContents,
  type LogFixture,
  numbered,
  numbers,
  patient,
  sorted,
  text,
  texts,
} from './fixture.ts';

export function draining(fixture: () => LogFixture): void {
  test('takes records to a sink at least once, and resumes behind them after a restart', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const options = { from: [topic], group: fixture().name('group'), maxBatch: 8 };
    const taken: string[] = [];
    const sink = async ({ records }: { records: Parameters<typeof texts>[0] }) => {
      taken.push(...texts(records));
      return [];
    };
    await log.append(topic, numbered(0, 100), deadline);
    const first = await log.drain(options, sink, deadLetterTo(topic));
    await expect.poll(() => taken.length, patient).toBe(100);
    await first.stop();
    expect((await log.lag(options.group, [topic])).map(({ lag }) => lag)).toEqual([0, 0, 0]);
    await log.append(topic, numbered(100, 120), deadline);
    await log.drain(options, sink, deadLetterTo(topic));
    await expect.poll(() => taken.length, patient).toBe(120);
    expect(sorted(taken)).toEqual(numbers(0, 120));
  });

  test('gives the same batch again while the sink is unavailable', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const stalls: Stall[] = [];
    const tried: string[][] = [];
    const group = fixture().name('group');
    await log.append(topic, numbered(0, 5), deadline);
    await log.drain(
      { from: [topic], group, stalled: (stall) => void stalls.push(stall) },
      async ({ records }) => {
        tried.push(texts(records));
        if (tried.length < 4) throw new GaplineError('store-unavailable', 'unavailable', { retryable: true });
        return [];
      },
      deadLetterTo(topic),
    );
    await expect.poll(async () => (await log.lag(group, [topic]))[0]?.lag, patient).toBe(0);
    expect(tried.slice(0, 4)).toEqual(Array(4).fill(numbers(0, 5)));
    expect(stalls).toHaveLength(3);
  });

  test('makes dead letters of records that the sink refuses for good, and of those that make it fail', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const letters = await fixture().topic(log, 'deadletters', 1);
    const group = fixture().name('group');
    const taken: string[] = [];
    await log.append(topic, numbered(0, 20), deadline);
    await log.drain(
      { from: [topic], group },
      async ({ records }) => {
        if (records.some((stored) => text(stored) === '11')) {
          throw new GaplineError('internal', 'broken', { retryable: false });
        }
        taken.push(...texts(records));
        return records
          .filter((stored) => text(stored) === '4')
          .map((stored) => ({ record: stored, reason: 'refused' }));
      },
      deadLetterTo(letters),
    );
    await expectContents(log, letters, ['4: refused', '11: broken']);
    await expect.poll(async () => (await log.lag(group, [topic]))[0]?.lag, patient).toBe(0);
    expect(taken).toEqual(numbers(0, 20).filter((number) => number !== '11'));
  });
}
