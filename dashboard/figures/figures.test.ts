import { describe, expect, test } from 'vitest';
import { State } from '../page/state.ts';
import { MemoryLog } from '../testing/memory-log.ts';
import { driftOf, SimulatedLine, type SimulationOptions } from '../testing/simulated-line.ts';
import { Figures, type FiguresOptions } from './figures.ts';

const nowMs = Date.parse('2026-01-01T12:00:00.500Z');

class Scene {
  clockMs = nowMs;
  readonly log = new MemoryLog();
  readonly line: SimulatedLine;
  readonly figures: Figures;

  constructor(simulation: Partial<SimulationOptions> = {}, options: Partial<FiguresOptions> = {}) {
    this.line = new SimulatedLine({ log: this.log, fields: ['a', 'b', 'c'], classes: ['ham', 'spam'], ...simulation });
    this.figures = new Figures({ stream: this.line.stream, now: () => this.clockMs, ...options });
  }

  /** Writes so many readings, and their predictions, in each of the last seconds. */
  seconds(count: number, perSecond: number): void {
    for (let back = count; back > 0; back -= 1) this.line.write(this.clockMs - back * 1_000, perSecond);
    this.take();
  }

  take(): void {
    this.figures.take(this.log.takeAll());
  }
}

describe('what the page shows', () => {
  test('counts the gaps of records of samples; what an array lacks at its end was not to be measured', () => {
    const scene = new Scene({ fields: ['x', 'y', 'temperature'], windows: true, gapRate: 0.3 });
    scene.line.window('motor-1', nowMs - 1_500);
    scene.line.window('motor-2', nowMs - 1_400);
    scene.take();
    const { gaps, source, windows, recent } = scene.figures.snapshot();
    expect(gaps).toEqual({ readings: 2, share: 0.2, byField: [0.3, 0.3, 0] });
    expect(source).toMatchObject({ malformed: 0, oneIn: 1 });
    expect(windows).toMatchObject({ names: ['motor-1', 'motor-2'], count: 2, fields: ['x', 'y', 'temperature'] });
    expect(recent[0]).toMatchObject({ isWindow: true, gaps: 1, values: [['x.rms', 1.25, true]] });
    expect(scene.figures.windowOf('motor-1', 'y')).toMatchObject({ read: 1_000, measured: 700 });
  });

  test('counts readings and labels by the second in which they arrived', () => {
    const scene = new Scene();
    scene.seconds(5, 40);
    const { rates, seconds } = scene.figures.snapshot();
    expect(rates).toEqual({ readings: 40, labels: 40 });
    expect(seconds.map(({ readings, labels }) => [readings, labels])).toEqual(new Array(5).fill([40, 40]));
    expect(seconds.map(({ at }) => at)).toEqual([...seconds.keys()].map((index) => nowMs / 1_000 - 5.5 + index));
  });

  test('shows the share of gaps, by field too', () => {
    const scene = new Scene();
    const { stream } = scene.line;
    for (let number = 0; number < 100; number += 1) {
      const values = { a: number < 25 ? null : 1, c: number < 50 ? 1 : null };
      const reading = { stream: 's', device: 'd', time: String(number), values, received: '1' };
      scene.log.add(stream.topics.readings, 'd', reading, nowMs - 1_000);
    }
    scene.take();
    const { gaps, seconds } = scene.figures.snapshot();
    expect(gaps).toEqual({ readings: 100, share: 0.5833, byField: [0.25, 1, 0.5] });
    expect(seconds[0]?.gapShare).toBe(0.5833);
  });

  test('takes a field for missing though every object seems to have it', () => {
    const scene = new Scene({ fields: ['constructor', '__proto__', 'toString'] });
    const { stream } = scene.line;
    const body = '{"stream":"s","device":"d","time":"1","values":{"__proto__":1},"received":"1"}';
    scene.log.add(stream.topics.readings, 'd', Buffer.from(body), nowMs);
    scene.take();
    expect(scene.figures.snapshot().gaps.byField).toEqual([1, 0, 1]);
  });

  test('scores labels over a window that grows until there is enough data', () => {
    const scene = new Scene();
    scene.seconds(100, 10);
    const { score } = scene.figures.snapshot();
    expect(score.truth).toBe('known');
    expect(score.labels).toBe(500);
    expect(score.seconds).toBe(51);
    expect(score.matrix.flat().reduce((sum, count) => sum + count, 0)).toBe(500);
    const right = score.matrix.reduce((sum, row, index) => sum + row[index]!, 0);
    expect(score.accuracy).toBeCloseTo(right / 500, 4);
  });

  test('scores all labels since the beginning too, and counts a declined one as a miss', () => {
    const scene = new Scene();
    scene.seconds(100, 10);
    const { overall, score } = scene.figures.snapshot();
    expect(overall.labels).toBe(1_000);
    expect(overall.since).toBe(nowMs - 100_500);
    expect(score.labels).toBe(500);
    expect([overall.microF1, score.microF1]).toEqual([overall.accuracy, score.accuracy]);
    const common = { probability: 1, probabilities: {}, filled: {}, gaps: 0, model: { name: 'm', version: 1 } };
    const declined = { device: 'd', time: '1', label: 'unknown', truth: 'ham', latencyMs: 1, ...common };
    for (let number = 0; number < 1_000; number += 1)
      scene.log.add(scene.line.stream.topics.predictions, 'd', declined, nowMs);
    scene.take();
    const right = overall.accuracy! * 1_000;
    const after = scene.figures.snapshot().overall;
    expect([overall.f1Classes, after.f1Classes]).toEqual([2, 2]);
    // Half of all labels are declined, all of them ham: ham's F1 falls, spam's does not change.
    expect(after.f1).toBeGreaterThan((overall.f1 ?? 1) / 2);
    expect(after.accuracy).toBeCloseTo(right / 2_000, 3);
    expect(after.microF1).toBeCloseTo((2 * right) / 3_000, 3);
  });

  test('knows when there is no truth', () => {
    const scene = new Scene({ truth: false });
    scene.seconds(1, 10);
    expect(scene.figures.snapshot().score).toMatchObject({ truth: 'unknown', accuracy: null, f1: null });
    scene.seconds(1, 60);
    expect(scene.figures.snapshot().score).toMatchObject({ truth: 'none', accuracy: null, labels: 0 });
  });

  test('shows the last predictions beside what was measured, filled values marked', () => {
    const scene = new Scene({ gapRate: 0.5 });
    scene.seconds(3, 10);
    const { recent } = scene.figures.snapshot();
    expect(recent).toHaveLength(8);
    for (const { values, gapsAt, gaps } of recent) {
      expect(values).toHaveLength(3);
      expect(gapsAt).toHaveLength(gaps);
      expect(values.filter(([, , filled]) => filled).map(([field]) => field)).toEqual(gapsAt);
    }
    expect(recent.some(({ gaps }) => gaps > 0)).toBe(true);
    const times = recent.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  test('notes the model, and when its version changed', () => {
    const scene = new Scene();
    scene.seconds(2, 10);
    expect(scene.figures.snapshot().model).toEqual({
      name: 'spambase',
      version: 1,
      challenger: null,
      swaps: [],
      promotions: [],
    });
    scene.line.promotions = [{ at: new Date(nowMs).toISOString(), from: 1, to: 2, who: 'ada', by: 'f1' }];
    scene.line.report(nowMs);
    scene.line.version = 2;
    scene.clockMs += 1_000;
    scene.seconds(1, 10);
    const { model } = scene.figures.snapshot();
    expect(model).toMatchObject({ version: 2, swaps: [{ version: 2 }] });
    expect(model?.promotions).toMatchObject([{ to: 2, text: 'version 2 took over from version 1, by ada: f1' }]);
    expect(model?.swaps[0]?.at).toBeGreaterThan(nowMs - 1);
  });

  test('shows how often labels are right by number of gaps', () => {
    const scene = new Scene({ gapRate: 0.4 });
    scene.seconds(20, 50);
    const { of, bins: byGaps } = scene.figures.snapshot().byGaps;
    expect(of).toBe('reading');
    expect(byGaps.map(({ from, to }) => [from, to])).toEqual([0, 1, 2, 3].map((gaps) => [gaps, gaps]));
    expect(byGaps.reduce((sum, { scored }) => sum + scored, 0)).toBe(1_000);
    const shares = byGaps.map(({ right, scored }) => right / scored);
    expect(shares[0]).toBeGreaterThan(shares[3]!);
  });

  test('of windows the gaps are those of their features, of which there may be more than fields', () => {
    const scene = new Scene({ fields: ['x', 'y'], windows: true });
    const { stream } = scene.line;
    const window = (number: number, gaps: number, label: string) => ({
      ...{ stream: 's', device: 'd', time: String(number), label, probability: 1, probabilities: { a: 1, b: 0 } },
      ...{ filled: {}, gaps, truth: 'a', model: { name: 'm', version: 1 }, received: '1', latencyMs: 1 },
      ...{ from: String(number - 1), samples: 10, missing: 0 },
    });
    for (const [number, gaps] of [0, 0, 3, 50, 57, 64].entries())
      scene.log.add(stream.topics.predictions, 'd', window(number + 1, gaps, gaps < 50 ? 'a' : 'b'), nowMs - 1_000);
    scene.take();
    const { of, bins } = scene.figures.snapshot().byGaps;
    expect(of).toBe('window');
    expect(bins.map(({ from, to, scored, right }) => [from, to, scored, right])).toEqual([
      [0, 0, 2, 2],
      [1, 1, 0, 0],
      [2, 2, 0, 0],
      [3, 4, 1, 1],
      [5, 8, 0, 0],
      [9, 16, 0, 0],
      [17, 32, 0, 0],
      [33, 64, 3, 0],
    ]);
  });

  test('shows champion and challenger over the same readings', () => {
    const scene = new Scene({ gapRate: 0.4 });
    scene.line.challenger = 2;
    scene.seconds(20, 50);
    scene.line.report(nowMs);
    scene.take();
    const { duel, model } = scene.figures.snapshot();
    expect(model?.challenger).toBe(2);
    expect(duel).toMatchObject({ champion: { version: 1 }, challenger: { version: 2 } });
    // The very first champion was not kept, as no challenger was known.
    expect(duel!.readings).toBeGreaterThanOrEqual(990);
    expect(duel!.scored).toBe(duel!.readings);
    expect(duel!.challenger.accuracy).toBeGreaterThan(duel!.champion.accuracy!);
  });

  test('shows drift as the classifier reports it', () => {
    const scene = new Scene();
    scene.line.drift = driftOf(scene.line.stream.fields, 900);
    scene.line.report(nowMs);
    scene.take();
    expect(scene.figures.snapshot().drift).toEqual(driftOf(scene.line.stream.fields, 900));
    scene.clockMs += 7_000;
    expect(scene.figures.snapshot().drift).toBeNull();
  });

  test('shows latencies', () => {
    const scene = new Scene();
    scene.seconds(20, 50);
    const { latency, seconds } = scene.figures.snapshot();
    expect(latency!.p50Ms).toBeGreaterThan(2);
    expect(latency!.p50Ms).toBeLessThan(4);
    expect(latency!.p99Ms).toBeGreaterThan(latency!.p50Ms);
    expect(seconds.at(-1)).toMatchObject({ p50Ms: expect.any(Number), p99Ms: expect.any(Number) });
  });

  test('shows dead letters, newest first, whatever they hold', () => {
    const scene = new Scene();
    scene.line.deadLetter('first', nowMs - 2_000);
    scene.line.deadLetter('x'.repeat(10_000), nowMs - 1_000);
    scene.log.add(scene.line.stream.topics.deadLetters, null, Buffer.from('junk'), nowMs);
    scene.take();
    const { count, last } = scene.figures.snapshot().deadLetters;
    expect(count).toBe(3);
    expect(last.map(({ reason }) => reason.slice(0, 4))).toEqual(['This', 'xxxx', 'firs']);
    expect(last[1]!.reason).toHaveLength(300);
    expect(last[2]).toMatchObject({ stage: 'classifier', from: 'spambase.readings/3@1742' });
  });

  test('skips records that do not match their schema, and counts them', () => {
    const scene = new Scene();
    const { readings, predictions, status } = scene.line.stream.topics;
    for (const topic of [readings, predictions, status]) {
      for (const bad of ['junk', '[]', 'null', '{"device":"d","time":"1","values":[]}']) {
        scene.log.add(topic, 'd', Buffer.from(bad), nowMs);
      }
    }
    scene.take();
    const { source, seconds } = scene.figures.snapshot();
    expect(source.malformed).toBe(12);
    expect(seconds[0]).toMatchObject({ readings: 4, labels: 4, gapShare: null, scored: 0 });
  });
});

describe('bounds', () => {
  test('ever new labels and ever new truths end in one class for the rest', () => {
    const scene = new Scene();
    const { predictions } = scene.line.stream.topics;
    for (let number = 0; number < 300; number += 1) {
      const prediction = {
        device: 'd',
        time: String(number),
        label: `label ${number}`,
        probability: 1,
        probabilities: {},
        filled: {},
        gaps: 0,
        model: { name: 'm', version: 1 },
        truth: `truth ${number}`,
        latencyMs: 1,
      };
      scene.log.add(predictions, 'd', prediction, nowMs);
    }
    scene.take();
    const { classes, score } = scene.figures.snapshot();
    expect(classes).toHaveLength(40);
    expect(classes.at(-1)).toBe('(others)');
    expect(score.labels).toBe(300);
  });

  test('records from before the window or from a clock ahead do not disturb it', () => {
    const scene = new Scene();
    scene.line.write(nowMs - 700_000, 10);
    scene.line.write(nowMs + 3_600_000, 10);
    scene.seconds(5, 20);
    const { seconds, rates } = scene.figures.snapshot();
    expect(seconds.every(({ at }) => at <= nowMs / 1_000 + 1)).toBe(true);
    expect(rates.readings).toBe(20);
  });

  test('seconds fall out of the window as time goes by', () => {
    const scene = new Scene();
    scene.seconds(5, 20);
    scene.clockMs += 650_000;
    expect(scene.figures.snapshot().seconds).toEqual([]);
    scene.seconds(1, 7);
    expect(scene.figures.snapshot().seconds.map(({ readings }) => readings)).toEqual([7]);
  });
});

describe('a sample', () => {
  test('leaves counts exact and the rest close', () => {
    const scene = new Scene({ gapRate: 0.3 }, { parsedPerSecond: 200 });
    scene.seconds(12, 2_000);
    const { rates, source, seconds, gaps, score } = scene.figures.snapshot();
    expect(source.oneIn).toBeGreaterThan(10);
    expect(source.oneIn).toBeLessThan(22);
    expect(rates).toEqual({ readings: 2_000, labels: 2_000 });
    expect(seconds.every(({ readings, labels }) => readings === 2_000 && labels === 2_000)).toBe(true);
    expect(gaps.share).toBeGreaterThan(0.25);
    expect(gaps.share).toBeLessThan(0.35);
    expect(score.labels).toBeGreaterThan(1_000);
    expect(score.labels).toBeLessThan(2_500);
    expect(score.accuracy).toBeGreaterThan(0.75);
  });

  test('counts what the log skipped unread', () => {
    const scene = new Scene();
    const { readings, predictions, deadLetters } = scene.line.stream.topics;
    scene.seconds(5, 20);
    for (let back = 5; back > 0; back -= 1) {
      for (const topic of [readings, predictions]) scene.figures.addSkipped(topic, 180, nowMs - back * 1_000);
    }
    scene.figures.addSkipped(deadLetters, 7, nowMs - 1_000);
    const { rates, source, deadLetters: dead, gaps } = scene.figures.snapshot();
    expect(rates).toEqual({ readings: 200, labels: 200 });
    expect(source.oneIn).toBe(10);
    expect(dead.count).toBe(7);
    expect(gaps.readings).toBe(100);
  });

  test('holds a prediction’s reading too, so that what is shown is whole', () => {
    const scene = new Scene({ gapRate: 0.3 }, { parsedPerSecond: 200 });
    scene.seconds(5, 2_000);
    const { recent } = scene.figures.snapshot();
    expect(recent).toHaveLength(8);
    expect(recent.filter(({ values }) => values.length === 3).length).toBeGreaterThanOrEqual(6);
  });
});

describe('deltas', () => {
  test('hold only what changed, and laid over a snapshot they make the next one', () => {
    const scene = new Scene();
    scene.seconds(30, 20);
    scene.line.report(nowMs);
    scene.take();
    scene.figures.delta();
    const state = new State();
    state.begin(JSON.parse(JSON.stringify(scene.figures.snapshot())));
    for (let step = 0; step < 5; step += 1) {
      scene.clockMs += 400;
      scene.line.write(scene.clockMs, 8);
      scene.take();
      const delta = scene.figures.delta();
      expect(delta).not.toHaveProperty('stages');
      expect(delta).not.toHaveProperty('classes');
      expect(delta.seconds!.length).toBeLessThanOrEqual(2);
      state.apply(JSON.parse(JSON.stringify(delta)));
    }
    const { seconds, ...rest } = JSON.parse(JSON.stringify(scene.figures.snapshot()));
    expect({ ...state.figures, seconds: undefined }).toEqual({ ...rest, seconds: undefined });
    expect([...state.seconds.values()]).toEqual(seconds);
  });

  test('hold nothing but the time where nothing happens', () => {
    const scene = new Scene();
    scene.figures.delta();
    expect(scene.figures.delta()).toEqual({ at: nowMs });
  });

  test('a line that was reset is another generation', () => {
    const scene = new Scene();
    scene.seconds(5, 10);
    const { generation } = scene.figures;
    scene.figures.forgetLine();
    expect(scene.figures.generation).toBe(generation + 1);
    expect(scene.figures.snapshot().seconds).toEqual([]);
  });
});
