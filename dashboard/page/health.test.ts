import { describe, expect, test } from 'vitest';
import type { Snapshot, StageFigures } from '../events.ts';
import { healthOf, sampledText } from './health.ts';

const at = Date.parse('2026-01-01T12:00:00Z');

const stage = (name: StageFigures['stage'], more: Partial<StageFigures> = {}): StageFigures => ({
  stage: name,
  instance: 'a',
  state: 'reporting',
  seenMs: at,
  counters: {},
  lag: null,
  spool: null,
  lastError: null,
  unknownFields: [],
  ...more,
});

const source = { oneIn: 1, skipped: 0, malformed: 0, trouble: null, catchingUp: false };

const figures = (stages: StageFigures[], more: Partial<Snapshot['source']> = {}): Snapshot =>
  ({ at, stages, source: { ...source, ...more } }) as unknown as Snapshot;

describe('health', () => {
  test('is well when every stage reports', () => {
    const { level, text } = healthOf(figures([stage('collector'), stage('classifier')]), true);
    expect([level, text]).toEqual(['ok', 'All 2 stages report.']);
  });

  test('names what is down and for how long; what is read out does not change each second', () => {
    const silent = stage('classifier', { state: 'silent', seenMs: at - 12_000 });
    const health = healthOf(figures([stage('collector'), silent]), true);
    expect(health).toEqual({
      level: 'bad',
      text: 'Down: the classifier has been silent for 12 s.',
      announcement: 'Down: the classifier.',
    });
  });

  test('writes "a" of several', () => {
    const silent = stage('classifier', { instance: 'b', state: 'silent', seenMs: at - 7_000 });
    expect(healthOf(figures([stage('classifier'), silent]), true).text).toBe(
      'Down: a classifier has been silent for 7 s.',
    );
  });

  test('shows a new error, and forgets it', () => {
    const failing = (ago: number) =>
      stage('archive', { lastError: { at: new Date(at - ago).toISOString(), message: 'InfluxDB is unavailable' } });
    expect(healthOf(figures([failing(5_000)]), true)).toMatchObject({
      level: 'warn',
      text: 'The archive reports: InfluxDB is unavailable',
    });
    expect(healthOf(figures([failing(60_000)]), true).level).toBe('ok');
  });

  test('names a field that devices send and the stream does not know', () => {
    const unknownFields = [
      { name: 'rpmx', count: 120, near: 'rpm' },
      { name: 'usage', count: 1 },
    ];
    expect(healthOf(figures([stage('collector', { unknownFields })]), true)).toMatchObject({
      level: 'warn',
      text: '`rpmx` is not known: 120 times; did you mean `rpm`? And 1 field more.',
    });
  });

  test('shows readings that wait on the collector’s disk', () => {
    const spool = { records: 1_200, bytes: 1e6, oldestMs: 90_000, drainedPerSecond: 300 };
    expect(healthOf(figures([stage('collector', { spool }), stage('classifier')]), true)).toMatchObject({
      level: 'warn',
      text: "1,200 readings wait in the collector's spool, the oldest for 90 s; 300 a second go out.",
      announcement: "Readings wait in the collector's spool.",
    });
    const empty = { ...spool, records: 0 };
    expect(healthOf(figures([stage('collector', { spool: empty })]), true).level).toBe('ok');
  });

  test('a lost page comes first, then a log that cannot be read', () => {
    const silent = [stage('classifier', { state: 'silent' })];
    expect(healthOf(figures(silent, { trouble: 'disk gone' }), false).text).toContain('lost Gapline');
    expect(healthOf(figures(silent, { trouble: 'disk gone' }), true).text).toBe('The log cannot be read: disk gone');
    expect(healthOf(undefined, false)).toMatchObject({ level: 'bad' });
    expect(healthOf(undefined, true)).toMatchObject({ level: 'wait' });
  });

  test('a generator that has nothing left to send is no alarm', () => {
    expect(healthOf(figures([stage('generator', { state: 'quiet' }), stage('collector')]), true)).toMatchObject({
      level: 'ok',
      text: 'One stage reports.',
    });
  });
});

test('how the figures were made is shown only where it matters', () => {
  expect(sampledText(figures([]))).toBe('');
  expect(sampledText(figures([], { oneIn: 16 }))).toBe('Counts are exact; the rest rests on 1 in 16 readings.');
  expect(sampledText(figures([], { skipped: 1_200, malformed: 1 }))).toBe(
    'About 1,200 records were skipped. 1 record could not be read.',
  );
});
