import type { Response } from 'express';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Figures } from './figures/figures.ts';
import { Live } from './live.ts';
import { MemoryLog } from './testing/memory-log.ts';
import { SimulatedLine } from './testing/simulated-line.ts';

/** A response that takes what it is sent, until a test makes it full. */
class FakeResponse {
  readonly events: string[] = [];
  isStuck = false;
  writableLength = 0;
  destroyed = false;
  #closed: (() => void) | undefined;

  writeHead(): void {}
  on(_event: 'close', closed: () => void): void {
    this.#closed = closed;
  }
  write(text: string): void {
    const event = /^event: (\w+)/.exec(text)?.[1];
    if (event) this.events.push(event);
    if (this.isStuck) this.writableLength += text.length;
  }
  end(): void {
    this.#closed?.();
  }
  destroy(): void {
    this.destroyed = true;
    this.#closed?.();
  }
  asResponse(): Response {
    return this as unknown as Response;
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function scene() {
  const log = new MemoryLog();
  const line = new SimulatedLine({ log, fields: ['a'], classes: ['x', 'y'] });
  const figures = new Figures({ stream: line.stream });
  return { figures, live: new Live({ figures, everyMs: 400, mostClients: 3, stuckMs: 10_000 }) };
}

describe('open pages', () => {
  test('get a snapshot at once and then deltas', () => {
    const { live } = scene();
    const page = new FakeResponse();
    live.add(page.asResponse(), () => true);
    expect(page.events).toEqual(['snapshot']);
    vi.advanceTimersByTime(1_600);
    expect(page.events).toEqual(['snapshot', 'delta', 'delta', 'delta', 'delta']);
    live.stop();
  });

  test('that take no more get nothing, and restart when they do again', () => {
    const { live } = scene();
    const slow = new FakeResponse();
    const quick = new FakeResponse();
    for (const page of [slow, quick]) live.add(page.asResponse(), () => true);
    vi.advanceTimersByTime(400);
    slow.isStuck = true;
    vi.advanceTimersByTime(400);
    const sent = slow.events.length;
    const waiting = slow.writableLength;
    vi.advanceTimersByTime(4_000);
    expect(slow.events).toHaveLength(sent);
    expect(slow.writableLength).toBe(waiting);
    expect(live.missed).toBe(10);
    slow.isStuck = false;
    slow.writableLength = 0;
    vi.advanceTimersByTime(800);
    expect(slow.events.slice(sent)).toEqual(['snapshot', 'delta']);
    expect(quick.events.filter((event) => event === 'delta')).toHaveLength(14);
    live.stop();
  });

  test('that stay stuck are cut off', () => {
    const { live } = scene();
    const page = new FakeResponse();
    page.isStuck = true;
    live.add(page.asResponse(), () => true);
    vi.advanceTimersByTime(9_000);
    expect(page.destroyed).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(page.destroyed).toBe(true);
    expect(live.clients).toBe(0);
  });

  test('are sent away when their token is revoked', () => {
    const { live } = scene();
    const page = new FakeResponse();
    let isAllowed = true;
    live.add(page.asResponse(), () => isAllowed);
    vi.advanceTimersByTime(4_000);
    expect(live.clients).toBe(1);
    isAllowed = false;
    vi.advanceTimersByTime(4_000);
    expect(live.clients).toBe(0);
  });

  test('are counted, and there is a most', () => {
    const { live } = scene();
    const pages = [new FakeResponse(), new FakeResponse(), new FakeResponse()];
    for (const page of pages) live.add(page.asResponse(), () => true);
    expect(live.isFull).toBe(true);
    pages[0]!.end();
    expect(live.isFull).toBe(false);
    live.stop();
    expect(live.clients).toBe(0);
  });

  test('nothing is computed while none is open', () => {
    const { live, figures } = scene();
    const delta = vi.spyOn(figures, 'delta');
    const page = new FakeResponse();
    live.add(page.asResponse(), () => true);
    vi.advanceTimersByTime(800);
    page.end();
    const calls = delta.mock.calls.length;
    vi.advanceTimersByTime(8_000);
    expect(delta).toHaveBeenCalledTimes(calls);
  });

  test('restart when the figures do', () => {
    const { live, figures } = scene();
    const page = new FakeResponse();
    live.add(page.asResponse(), () => true);
    vi.advanceTimersByTime(800);
    figures.forgetLine();
    vi.advanceTimersByTime(800);
    expect(page.events.slice(-2)).toEqual(['snapshot', 'delta']);
    live.stop();
  });
});
