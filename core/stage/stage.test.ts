import { expect, test } from 'vitest';
import { createStage } from './stage.ts';

/** A stage that writes down what is called. */
function recorded(parts: { open?: () => Promise<void>; close?: () => Promise<void> } = {}) {
  const calls: string[] = [];
  const stage = createStage({
    async open() {
      calls.push('open');
      await parts.open?.();
    },
    async close() {
      calls.push('close');
      await parts.close?.();
    },
    report() {
      calls.push('report');
      return { stop: async () => void calls.push('last report') };
    },
  });
  return { stage, calls };
}

test('a stage opens, reports, closes once, and reports no more', async () => {
  const { stage, calls } = recorded();
  await stage.start();
  await Promise.all([stage.stop(), stage.stop()]);
  await stage.stop();
  expect(calls).toEqual(['open', 'report', 'close', 'last report']);
});

test('what a failed start opened is closed, once', async () => {
  const { stage, calls } = recorded({ open: () => Promise.reject(new Error('the port is in use')) });
  await expect(stage.start()).rejects.toThrow('the port is in use');
  await stage.stop();
  expect(calls).toEqual(['open', 'close']);
});

test('the error of a failed start is not hidden by one of closing', async () => {
  const { stage } = recorded({
    open: () => Promise.reject(new Error('the port is in use')),
    close: () => Promise.reject(new Error('nothing to close')),
  });
  await expect(stage.start()).rejects.toThrow('the port is in use');
});

test('the reports end even where closing fails', async () => {
  const { stage, calls } = recorded({ close: () => Promise.reject(new Error('stuck')) });
  await stage.start();
  await expect(stage.stop()).rejects.toThrow('stuck');
  expect(calls.at(-1)).toBe('last report');
});

test('a stage that is stopped while it opens does not report', async () => {
  const opened = Promise.withResolvers<void>();
  const { stage, calls } = recorded({ open: () => opened.promise });
  const starting = stage.start();
  await stage.stop();
  opened.resolve();
  await starting;
  expect(calls).toEqual(['open', 'close']);
});

test('a stage fails by the error that its work ended with', async () => {
  const stage = createStage({
    open: async (fail) => fail(new Error('the log is gone')),
    close: async () => {},
  });
  await stage.start();
  await expect(stage.failed).rejects.toThrow('the log is gone');
});
