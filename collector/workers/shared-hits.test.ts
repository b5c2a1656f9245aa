import { expect, test } from 'vitest';
import { AllWorkersHits, SharedHits } from './shared-hits.ts';

function twoWorkers() {
  const clock = { nowMs: 1_000 };
  const all = new AllWorkersHits(() => clock.nowMs);
  const workers = [new SharedHits(() => clock.nowMs), new SharedHits(() => clock.nowMs)] as const;
  const counters = workers.map((worker) => worker.createCounter('token'));
  return {
    clock,
    hit: async (worker: 0 | 1, key: string) => (await counters[worker]?.increment(key))?.totalHits,
    /** One worker's counts go to the primary process, and from there to both. */
    share(worker: 0 | 1): void {
      const totals = all.add(workers[worker].takeNew());
      for (const each of workers) each.merge(totals);
    },
  };
}

test('what one worker counted counts at the other, once', async () => {
  const { hit, share } = twoWorkers();
  expect(await hit(0, 'a')).toBe(1);
  expect(await hit(0, 'a')).toBe(2);
  expect(await hit(1, 'a')).toBe(1);
  share(0);
  expect(await hit(1, 'a')).toBe(4);
  share(1);
  share(1);
  expect(await hit(0, 'a')).toBe(5);
  expect(await hit(1, 'a')).toBe(5);
  expect(await hit(1, 'b')).toBe(1);
});

test('hits that are on their way when the totals come are not forgotten', async () => {
  const clock = { nowMs: 0 };
  const all = new AllWorkersHits(() => clock.nowMs);
  const [one, other] = [new SharedHits(() => clock.nowMs), new SharedHits(() => clock.nowMs)];
  const [first, second] = [one.createCounter('token'), other.createCounter('token')];
  await first.increment('a');
  one.merge(all.add(one.takeNew()));
  for (let hits = 0; hits < 5; hits += 1) await first.increment('a');
  const onTheirWay = one.takeNew();
  await second.increment('a');
  one.merge(all.add(other.takeNew()));
  expect(await first.increment('a')).toMatchObject({ totalHits: 7 });
  one.merge(all.add(onTheirWay));
  expect(await first.increment('a')).toMatchObject({ totalHits: 9 });
});

test('after a minute a key is counted from zero, for all workers', async () => {
  const { hit, share, clock } = twoWorkers();
  await hit(0, 'a');
  share(0);
  clock.nowMs += 60_000;
  expect(await hit(1, 'a')).toBe(1);
  share(1);
  expect(await hit(0, 'a')).toBe(2);
});

test('keys that many clients invent hold a bounded memory: the oldest are forgotten', async () => {
  const { hit } = twoWorkers();
  await hit(0, 'first');
  for (let key = 0; key < 100_000; key += 1) await hit(0, String(key));
  expect(await hit(0, '99999')).toBe(2);
  expect(await hit(0, 'first')).toBe(1);
});
