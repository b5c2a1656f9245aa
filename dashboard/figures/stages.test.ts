import { expect, test } from 'vitest';
import type { Status } from '../../core/wire/status.ts';
import { Stages } from './stages.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

function status(stage: Status['stage'], instance: string, more: Partial<Status> = {}): Uint8Array {
  const report: Status = {
    stream: 's',
    stage,
    instance,
    at: new Date(start).toISOString(),
    counters: { n: 1 },
    ...more,
  };
  return Buffer.from(JSON.stringify(report));
}

const states = (stages: Stages, atMs: number) =>
  stages.at(atMs).map(({ stage, instance, state }) => `${stage} ${instance} ${state}`);

test('a stage is silent after six seconds without a word, and stays on the list', () => {
  const stages = new Stages();
  stages.take(status('collector', 'a'), start);
  expect(states(stages, start + 6_000)).toEqual(['collector a reporting']);
  expect(states(stages, start + 6_001)).toEqual(['collector a silent']);
  expect(states(stages, start + 3_600_000)).toEqual(['collector a silent']);
  stages.take(status('collector', 'a'), start + 3_600_000);
  expect(states(stages, start + 3_600_001)).toEqual(['collector a reporting']);
});

test('a generator without a word is quiet: it may have nothing left to send', () => {
  const stages = new Stages();
  stages.take(status('generator', 'a'), start);
  expect(states(stages, start + 10_000)).toEqual(['generator a quiet']);
});

test('a stage that was started again replaces itself', () => {
  const stages = new Stages();
  stages.take(status('classifier', 'before'), start);
  stages.take(status('classifier', 'after'), start + 20_000);
  expect(states(stages, start + 21_000)).toEqual(['classifier after reporting']);
});

test('one of several members that dies is missed, and after a minute it has left', () => {
  const stages = new Stages();
  for (const instance of ['a', 'b']) stages.take(status('classifier', instance), start);
  for (let ms = 0; ms <= 70_000; ms += 2_000) stages.take(status('classifier', 'b'), start + ms);
  expect(states(stages, start + 10_000)).toContain('classifier a silent');
  expect(states(stages, start + 70_000)).toEqual(['classifier b reporting']);
});

test('stages stand in the order of the line', () => {
  const stages = new Stages();
  for (const stage of ['dashboard', 'classifier', 'archive', 'collector', 'generator'] as const) {
    stages.take(status(stage, 'a'), start);
  }
  expect(stages.at(start).map(({ stage }) => stage)).toEqual([
    'generator',
    'collector',
    'archive',
    'classifier',
    'dashboard',
  ]);
});

test('lag is the group’s as its members see it; a silent member no longer counts', () => {
  const stages = new Stages();
  expect(stages.lag('classifier', start)).toBeNull();
  stages.take(status('classifier', 'a', { lag: 40 }), start);
  stages.take(status('classifier', 'b', { lag: 7 }), start + 5_000);
  expect(stages.lag('classifier', start + 5_000)).toBe(40);
  expect(stages.lag('classifier', start + 8_000)).toBe(7);
});

test('what is not a status is refused, and endless instances are bounded', () => {
  const stages = new Stages();
  expect(stages.take(Buffer.from('{"stage":"collector"}'), start)).toBe(false);
  expect(stages.take(Buffer.from('junk'), start)).toBe(false);
  for (let number = 0; number < 500; number += 1) stages.take(status('collector', `i${number}`), start + number);
  expect(stages.at(start + 500).length).toBeLessThanOrEqual(64);
  expect(states(stages, start + 500)).toContain('collector i499 reporting');
});
