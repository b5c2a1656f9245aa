import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { EventLog, Rewound } from '../port.ts';
import { copyTo, deadline, expectContents, type LogFixture, numbered, numbers } from './fixture.ts';

const countOf = (moved: readonly Rewound[]): number => moved.reduce((sum, { from, to }) => sum + Number(from - to), 0);

export function rewinding(fixture: () => LogFixture): void {
  /** Lets a group copy all of a topic, and leaves it without members. */
  async function copyAll(log: EventLog, group: string, topic: string, copy: string, expected: string[]): Promise<void> {
    const running = await log.pipe({ from: [topic], group }, copyTo(copy));
    await expectContents(log, copy, expected);
    await running.stop();
  }

  test('gives a group again what arrived since a time, in every partition', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const group = fixture().name('group');
    await log.append(topic, numbered(0, 30, 20), deadline);
    await sleep(20);
    const sinceMs = Date.now();
    await sleep(20);
    await log.append(topic, numbered(30, 80, 20), deadline);
    await copyAll(log, group, topic, copy, numbers(0, 80));

    const planned = await log.rewind(group, [topic], sinceMs, { dryRun: true });
    expect(countOf(planned)).toBe(50);
    expect(planned.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    expect((await log.lag(group, [topic])).map(({ lag }) => lag)).toEqual([0, 0, 0]);

    expect(await log.rewind(group, [topic], sinceMs)).toEqual(planned);
    expect((await log.lag(group, [topic])).map(({ committed }) => committed)).toEqual(planned.map(({ to }) => to));
    await copyAll(log, group, topic, copy, [...numbers(0, 80), ...numbers(30, 80)]);
  });

  test('never sets a group forward, and to the oldest record at most', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings', 1);
    const copy = await fixture().topic(log, 'copy', 1);
    const group = fixture().name('group');
    await log.append(topic, numbered(0, 10), deadline);
    await copyAll(log, group, topic, copy, numbers(0, 10));
    await log.append(topic, numbered(10, 15), deadline);
    expect(countOf(await log.rewind(group, [topic], Date.now() + 60_000))).toBe(0);
    expect((await log.lag(group, [topic]))[0]?.lag).toBe(5);
    expect(countOf(await log.rewind(group, [topic], 0))).toBe(10);
    expect((await log.lag(group, [topic]))[0]?.lag).toBe(15);
  });

  test('leaves a group as it is that has committed nothing', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    await log.append(topic, numbered(0, 10), deadline);
    expect(await log.rewind(fixture().name('group'), [topic], 0)).toEqual([]);
  });

  test('refuses while a member is at work, here or in another process, and changes nothing', async () => {
    const log = await fixture().open();
    const topic = await fixture().topic(log, 'readings');
    const copy = await fixture().topic(log, 'copy');
    const group = fixture().name('group');
    await log.append(topic, numbered(0, 40), deadline);
    const running = await log.pipe({ from: [topic], group }, copyTo(copy));
    await expectContents(log, copy, numbers(0, 40));
    const other = await fixture().open();
    await expect(other.rewind(group, [topic], 0)).rejects.toMatchObject({ code: 'group-active' });
    await running.stop();
    expect((await other.lag(group, [topic])).map(({ lag }) => lag)).toEqual([0, 0, 0]);
  });
}
