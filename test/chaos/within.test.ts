import { expect, test } from 'vitest';
import { Undo } from './undo.ts';
import { within } from './within.ts';

const never = new Promise<never>(() => {});

test('work that ends settles as it does; work that does not is named as it is then', async () => {
  expect(await within(3_600, 'nothing', Promise.resolve(7))).toBe(7);
  await expect(within(3_600, 'nothing', Promise.reject(new Error('no')))).rejects.toThrow('no');
  let what = 'Kafka';
  const late = within(0.01, () => what, never);
  what = 'Telegraf';
  await expect(late).rejects.toThrow('waited 0 s for Telegraf');
});

test('what fails to be undone is told and the rest is undone; what is started after that is undone at once', async () => {
  const told: string[] = [];
  const done: string[] = [];
  const undo = new Undo((line) => told.push(line));
  undo.add(async () => done.push('first'));
  undo.add(() => Promise.reject(new Error('second fails')));
  undo.add(async () => done.push('third'));
  await undo.all();
  undo.add(async () => done.push('late'));
  await undo.all();
  expect(done).toEqual(['third', 'first', 'late']);
  expect(told).toEqual(['stopping: second fails']);
});
