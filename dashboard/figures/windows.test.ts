import { describe, expect, test } from 'vitest';
import type { Reading } from '../../core/wire/reading.ts';
import type { Samples } from '../../core/wire/samples.ts';
import type { SeenPrediction } from './records.ts';
import { Windows } from './windows.ts';

const fields = ['x', 't'];
const [secondNs, startNs] = [1_000_000_000n, 1_700_000_000_000_000_000n];
const at = (second: number, ns = 0n) => `${startNs + BigInt(second) * secondNs + ns}`;

const samplesAt = (device: string, second: number, values: Samples['values'], rate = 100): Samples => ({
  ...{ stream: 's', device, time: at(second), rate, values, received: at(second + 1) },
});
const windowAt = (device: string, second: number, samples = 100): SeenPrediction => ({
  ...{ device, from: at(second), time: at(second + 1), samples, label: 'worn', probability: 0.75 },
  ...{
    probabilities: { worn: 0.75, sound: 0.25 },
    filled: {},
    gaps: 0,
    model: { name: 's', version: 1 },
    latencyMs: 1,
  },
});
const tone = (hertz: number, count = 100, rate = 100) =>
  Array.from({ length: count }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));

describe('the last window of a device', () => {
  test('is its samples by time, with its label, its gaps and its spectrum', () => {
    const windows = new Windows(fields);
    expect(windows.devices()).toBeNull();
    const wave = tone(12).map((value, index) => (index >= 40 && index < 50 ? null : value));
    windows.takeRecord(samplesAt('a', 0, { x: wave, t: [20.5] }));
    windows.takePrediction(windowAt('a', 0));
    expect(windows.devices()).toEqual({ names: ['a'], count: 1, fields });
    const view = windows.view('a', 'x');
    expect(view).toMatchObject({ label: 'worn', probability: 0.75, truth: null, rate: 100, seconds: 1 });
    expect(view).toMatchObject({ samples: 100, read: 100, expected: 100, measured: 90 });
    expect(view?.wave.x.slice(0, 3)).toEqual([0, 10, 20]);
    expect(view?.wave.y.indexOf(null)).toBe(40);
    expect(view?.gaps).toEqual([[390, 500]]);
    const { x = [], y = [] } = view?.spectrum ?? {};
    expect(x[y.indexOf(Math.max(...y))]).toBe(12);
    // One value, as the device sent it: nothing to make a spectrum of.
    expect(windows.view('a', 't')).toMatchObject({ measured: 1, spectrum: null });
  });

  test('is to be chosen once there is one: a device whose first window is open is not listed', () => {
    const windows = new Windows(fields);
    windows.takeRecord(samplesAt('a', 0, { x: tone(5) }));
    windows.takeRecord(samplesAt('b', 0, { x: tone(5) }));
    windows.takePrediction(windowAt('b', 0));
    expect(windows.devices()).toEqual({ names: ['b'], count: 1, fields });
    windows.takeRecord(samplesAt('c', 0, { x: tone(5) }));
    expect(windows.devices()).toEqual({ names: ['b'], count: 1, fields });
    windows.takePrediction(windowAt('a', 0));
    expect(windows.devices()).toEqual({ names: ['a', 'b'], count: 2, fields });
  });

  test('is the newest one whose samples were read, in whatever order topics are read', () => {
    const windows = new Windows(fields);
    windows.takeRecord(samplesAt('a', 0, { x: tone(5) }));
    windows.takePrediction(windowAt('a', 0));
    windows.takePrediction(windowAt('a', 1));
    expect(windows.view('a', 'x')?.from).toBe(at(0));
    windows.takeRecord(samplesAt('a', 1, { x: tone(5) }));
    expect(windows.view('a', 'x')).toMatchObject({ from: at(1), read: 100 });
  });

  test('is cut out of records that begin and end elsewhere, and of samples sent twice the later counts', () => {
    const windows = new Windows(fields);
    const half = { ...samplesAt('a', 0, { x: new Array(100).fill(1) }), time: at(0, 500_000_000n) };
    windows.takeRecord(half);
    windows.takeRecord(samplesAt('a', 1, { x: [7] }));
    windows.takePrediction(windowAt('a', 1, 50));
    const view = windows.view('a', 'x');
    expect(view).toMatchObject({ read: 50, expected: 100, measured: 50, gaps: [[490, 1_000]] });
    expect(view?.wave.y.slice(0, 2)).toEqual([7, 1]);
  });

  test('is made of single readings, too, where their times are even', () => {
    const windows = new Windows(fields);
    windows.takeRecord({ stream: 's', device: 'a', time: at(0), values: { x: 1 }, received: at(0) });
    windows.takePrediction(windowAt('a', 0, 1));
    for (const [index, value] of tone(12).entries())
      windows.takeRecord({
        ...{ stream: 's', device: 'a', time: at(1, BigInt(index) * 10_000_000n), received: at(1) },
        values: { x: value, t: null },
      });
    windows.takePrediction(windowAt('a', 1));
    const view = windows.view('a', 'x');
    expect(view).toMatchObject({ read: 100, rate: 100, gaps: [] });
    const { x = [], y = [] } = view?.spectrum ?? {};
    expect(x[y.indexOf(Math.max(...y))]).toBe(12);
  });

  test('has no spectrum where times are not even, and shows the samples as they came', () => {
    const windows = new Windows(fields);
    windows.takePrediction(windowAt('a', 0, 10));
    for (let index = 1; index <= 10; index++)
      windows.takeRecord({
        ...{ stream: 's', device: 'a', time: at(0, BigInt(index ** 2) * 9_000_000n), received: at(1) },
        values: { x: index },
      });
    expect(windows.view('a', 'x')).toMatchObject({ rate: null, spectrum: null, read: 10, measured: 10, gaps: [] });
  });

  test('of many samples is its extremes, and no more of it is sent than can be drawn', () => {
    const windows = new Windows(fields);
    const x = tone(5, 32_000, 32_000);
    x[17_000] = 9;
    windows.takeRecord(samplesAt('a', 0, { x }, 32_000));
    windows.takePrediction(windowAt('a', 0, 32_000));
    const view = windows.view('a', 'x');
    expect(view?.wave.x.length).toBeLessThanOrEqual(2_000);
    expect(view?.wave.y).toContain(9);
    expect(view?.spectrum?.x.length).toBeLessThanOrEqual(1_000);
  });
});

test('a shapelet is laid over the wave where it matched, at its height, of its own channel only', () => {
  const windows = new Windows(fields);
  const wave = Array.from({ length: 100 }, (_, at) => (at < 50 ? 0 : 7 + (at % 2)));
  windows.takeRecord(samplesAt('a', 0, { x: wave, t: wave }));
  const shapelet = { channel: 'x', at: 60, step: 3, of: 100, share: 0.5, values: [-1, 1, -1, 1] };
  windows.takePrediction({ ...windowAt('a', 0), shapelet });
  expect(windows.view('a', 'x')?.shapelet).toEqual({ x: [600, 630, 660, 690], y: [7, 8, 7, 8], share: 0.5 });
  expect(windows.view('a', 't')?.shapelet).toBeNull();
});

test('where nothing was measured under a shapelet, it is not drawn', () => {
  const windows = new Windows(fields);
  windows.takeRecord(samplesAt('a', 0, { x: Array.from({ length: 100 }, (_, at) => (at < 50 ? 1 : null)) }));
  const shapelet = { channel: 'x', at: 60, step: 3, of: 100, share: 0.5, values: [-1, 1, -1, 1] };
  windows.takePrediction({ ...windowAt('a', 0), shapelet });
  expect(windows.view('a', 'x')?.shapelet).toBeNull();
});

describe('a reading that is a whole segment', () => {
  const segments = { channels: ['a', 'b'], length: 50, rate: 50 };
  const columns = segments.channels.flatMap((name) => Array.from({ length: 50 }, (_, at) => `${name}${at}`));
  const segmentAt = (second: number, height: number): Reading => ({
    ...{ stream: 's', device: 'p', time: at(second), received: at(second) },
    values: Object.fromEntries(columns.map((name, at) => [name, at === 7 ? null : at < 50 ? height : at % 2])),
  });
  const { from: _from, samples: _samples, ...plain } = windowAt('p', 0);
  const shapelet = { channel: 'b', at: 20, step: 2, of: 50, share: 0.5, values: [1, -1, 1] };

  test('is a window of its channels, with the shapelet that decided', () => {
    const windows = new Windows(columns, { segments });
    windows.takeRecord(segmentAt(0, 3));
    windows.takePrediction({ ...plain, time: at(0), shapelet });
    expect(windows.devices()).toEqual({ names: ['p'], count: 1, fields: ['a', 'b'] });
    const view = windows.view('p', 'a');
    expect(view).toMatchObject({ from: at(0), time: at(1), seconds: 1, rate: 50, read: 50, samples: 50, measured: 49 });
    expect(view?.wave.y.slice(5, 9)).toEqual([3, 3, null, 3]);
    expect(view?.shapelet).toBeNull();
    expect(windows.view('p', 'b')?.shapelet?.x).toEqual([400, 440, 480]);
    expect(windows.view('p', 'a0')).toBeUndefined();
  });

  test('is not mixed with others of the same device that lie over the same time', () => {
    const windows = new Windows(columns, { segments });
    const halfLater = { ...segmentAt(0, 9), time: at(0, 500_000_000n) };
    for (const record of [segmentAt(0, 3), halfLater]) windows.takeRecord(record);
    windows.takePrediction({ ...plain, time: at(0) });
    expect(windows.view('p', 'a')).toMatchObject({ from: at(0), read: 50 });
    expect(new Set(windows.view('p', 'a')?.wave.y)).toEqual(new Set([3, null]));
    windows.takePrediction({ ...plain, time: halfLater.time });
    expect(new Set(windows.view('p', 'a')?.wave.y)).toEqual(new Set([9, null]));
  });
});

describe('bounds', () => {
  test('a device that floods the page keeps two records of the largest size, and its last windows', () => {
    const windows = new Windows(fields);
    for (let second = 0; second < 20; second++) {
      windows.takeRecord(samplesAt('a', second, { x: new Array(30_000).fill(second) }, 30_000));
      windows.takePrediction(windowAt('a', second, 30_000));
    }
    expect(windows.view('a', 'x')).toMatchObject({ from: at(19), read: 30_000 });
    expect(windows.view('a', 'y')).toBeUndefined();
  });

  test('with too many devices the silent ones are forgotten, but none that a page looks at', () => {
    let now = 0;
    const windows = new Windows(fields, { now: () => now, most: 2_000 });
    for (let device = 0; device < 100; device++) {
      now += 1_000;
      windows.takeRecord(samplesAt(`d${device}`, 0, { x: tone(3) }));
      windows.takePrediction(windowAt(`d${device}`, 0));
      if (device < 50) expect(windows.view('d0', 'x')?.read).toBe(100);
    }
    const { names, count } = windows.devices() ?? { names: [], count: 0 };
    expect(count).toBeLessThan(20);
    expect(names.at(-1)).toBe('d99');
    // Nobody has looked at it for half a minute.
    expect(windows.view('d0', 'x')).toBeUndefined();
  });

  test('of a stream whose model labels readings nothing is kept', () => {
    const windows = new Windows(fields);
    const { from: _from, samples: _samples, ...plain } = windowAt('a', 0);
    windows.takeRecord({ stream: 's', device: 'a', time: at(0), values: { x: 1 }, received: at(0) });
    windows.takePrediction(plain);
    expect([windows.devices(), windows.view('a', 'x')]).toEqual([null, undefined]);
  });
});
