import { expect, test, vi } from 'vitest';
import type { Fault } from './faults/fault.ts';
import type { Part } from './parts.ts';
import { partNames, type Stack } from './stack.ts';
import { strikeAll } from './striking.ts';

/** A stack whose parts only know whether they run. */
function standIn() {
  const running = new Set<string>(partNames);
  const part = (name: string): Part => ({
    name,
    logFile: '',
    ownEnds: 0,
    get alive() {
      return running.has(name);
    },
    async bringBack() {
      running.add(name);
    },
    kill: async () => void running.delete(name),
    end: async () => void running.delete(name),
    stop: async () => {},
    async pause() {},
    resume() {},
  });
  const parts = Object.fromEntries(partNames.map((name) => [name, part(name)])) as Stack['parts'];
  return { stack: { parts, tell: () => {} } as unknown as Stack, running };
}

const step = (name: string, atSeconds = 0) => ({ name, atSeconds, seed: 1 });
const byName = (...faults: Fault[]) => new Map(faults.map((fault) => [fault.name, fault]));
const never = new AbortController().signal;

test('faults that touch the same part wait for each other, others do not', async () => {
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const fault = (name: string, touches: string[], wait?: Promise<void>): Fault => ({
    ...{ name, touches, seconds: 1 },
    async strike() {
      events.push(`${name} begins`);
      await wait;
      events.push(`${name} ends`);
      if (name === 'beside') gate.resolve();
    },
  });
  const faults = byName(
    fault('first', ['kafka'], gate.promise),
    fault('second', ['kafka']),
    fault('beside', ['archive']),
  );
  const { counts, broken } = await strikeAll(
    standIn().stack,
    [step('first'), step('second'), step('beside')],
    faults,
    never,
    600,
  );
  expect(events).toEqual([
    ...['first begins', 'beside begins', 'beside ends'],
    ...['first ends', 'second begins', 'second ends'],
  ]);
  expect(counts).toEqual({ first: 1, second: 1, beside: 1 });
  expect(broken).toEqual([]);
});

test('what ended by itself is started again, and that is counted; a fault that fails is reported and the rest continues', async () => {
  const { stack, running } = standIn();
  const ends: Fault = {
    ...{ name: 'ends', touches: ['archive'], seconds: 1 },
    async strike({ parts }) {
      await parts.archive.kill();
      await parts.telegraf.kill();
    },
  };
  const fails: Fault = {
    ...{ name: 'fails', touches: ['kafka'], seconds: 1 },
    strike: () => Promise.reject(new Error('kafka does not come')),
  };
  const { broken } = await strikeAll(stack, [step('fails'), step('ends')], byName(ends, fails), never, 600);
  expect([...running].sort()).toEqual([...partNames].sort());
  expect([stack.parts.archive.ownEnds, stack.parts.telegraf.ownEnds, stack.parts.kafka.ownEnds]).toEqual([1, 1, 0]);
  expect(broken).toEqual([
    { promise: 'every part comes back after a fault', count: 1, examples: ['fails: kafka does not come'] },
  ]);
});

test('none begins once it is to stop, and those under way end', async () => {
  const stopping = new AbortController();
  const stops: Fault = {
    ...{ name: 'stops', touches: [], seconds: 1 },
    strike: async () => stopping.abort(),
  };
  const { counts } = await strikeAll(
    standIn().stack,
    [step('stops'), step('stops', 3_600)],
    byName(stops),
    stopping.signal,
    600,
  );
  expect(counts).toEqual({ stops: 1 });
});

test('a fault that never ends is given up and named, and one that waits for too long has no turn', async () => {
  vi.useFakeTimers();
  try {
    const begun = Promise.withResolvers<void>();
    const endless: Fault = {
      ...{ name: 'endless', touches: ['kafka'], seconds: 1 },
      strike: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    };
    const second: Fault = {
      ...{ name: 'second', touches: ['kafka'], seconds: 1 },
      strike: async () => {},
    };
    const steps = [step('endless'), step('endless'), step('second')];
    const struck = strikeAll(standIn().stack, steps, byName(endless, second), never, 500);
    await begun.promise;
    await vi.advanceTimersByTimeAsync(600_000);
    const { broken, counts } = await struck;
    expect(counts).toEqual({ endless: 2 });
    expect(broken.map(({ promise, examples }) => [promise, ...examples])).toEqual([
      ['every part comes back after a fault', expect.stringMatching(/^endless: waited 241 s for it to be over$/)],
      ['every part comes back after a fault', expect.stringMatching(/^endless: waited \d+ s for it to be over$/)],
      ['every fault has its turn', 'second: others kept kafka for too long'],
    ]);
  } finally {
    vi.useRealTimers();
  }
});
