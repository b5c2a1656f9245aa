import { expect, test } from 'vitest';
import { check, type Evidence } from './check.ts';

const names = ['a 1', 'a 2', 'b 1', 'b 2'];
const said = (identity: string, version = 1) => ({ identity, said: `${version} spam` });

/** A campaign in which all went well, but for what a test plants. */
const evidence = (planted: Partial<Evidence> = {}): Evidence => ({
  acknowledged: new Set(names),
  sent: new Set(names),
  resent: new Map(),
  possibleExtras: 0,
  records: names,
  predictions: names.map((name) => said(name)),
  deadLetters: [],
  skips: 0,
  archivable: planted.records ?? names,
  archived: names,
  points: names.map((name) => said(name)),
  excused: new Set(),
  toldLost: 0,
  ...planted,
});

const broken = (planted: Partial<Evidence>) => check(evidence(planted)).violations.map(({ promise }) => promise);
const without = (lost: string) => names.filter((name) => name !== lost);
const saidWithout = (lost: string) => without(lost).map((name) => said(name));

test('a campaign in which all went well breaks no promise, and is counted', () => {
  const { counts, violations } = check(evidence());
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ acknowledged: 4, records: 4, extraRecords: 0, predictions: 4, archived: 4, lost: 0 });
});

test('a label of an aborted batch may stay as a point where its fact is gone since, and nowhere else', () => {
  const facts = {
    ...{
      isPast: () => false,
      told: new Map(),
      inLog: new Map(),
      unfounded: [],
      waiting: 2,
      skippedNoFact: 0,
      stays: {},
    },
    wasCovered: (identity: string) => identity !== 'b 2',
    isCovered: (identity: string) => identity.startsWith('a'),
  };
  const labelled = names.filter(facts.isCovered).map((name) => said(name));
  expect(broken({ facts, predictions: labelled, points: [...labelled, said('b 1')] })).toEqual([]);
  expect(broken({ facts, predictions: labelled, points: [...labelled, said('b 2')] })).toEqual([
    'only committed predictions are points in the end',
  ]);
});

test('an acknowledged reading that is nowhere is found at each place', () => {
  const lost = {
    records: without('b 1'),
    predictions: saidWithout('b 1'),
    archived: without('b 1'),
    points: saidWithout('b 1'),
  };
  expect(check(evidence(lost)).violations).toEqual([
    { promise: 'every acknowledged reading is in the log', count: 1, examples: ['b 1'] },
  ]);
  expect(broken({ archived: without('b 1') })).toEqual(['every record is archived']);
  expect(broken({ points: saidWithout('b 1') })).toEqual(['every prediction is a point']);
  expect(broken({ predictions: saidWithout('b 1') })).toEqual([
    'each record has a prediction, a dead letter or a counted skip',
    'only committed predictions are points in the end',
  ]);
});

test('a reading that was not acknowledged need not be anywhere, but where it is it has its label', () => {
  const acknowledged = new Set(without('b 1'));
  const nowhere = {
    records: without('b 1'),
    predictions: saidWithout('b 1'),
    archived: without('b 1'),
    points: saidWithout('b 1'),
  };
  expect(broken({ acknowledged, ...nowhere })).toEqual([]);
  expect(broken({ acknowledged })).toEqual([]);
  expect(broken({ acknowledged, predictions: saidWithout('b 1'), points: saidWithout('b 1') })).toEqual([
    'each record has a prediction, a dead letter or a counted skip',
  ]);
});

test('a reading that nobody sent is found', () => {
  const stranger = [...names, 'c 9'];
  const all = { records: stranger, archived: stranger, predictions: stranger.map((name) => said(name)) };
  expect(broken({ ...all, points: all.predictions })).toEqual(['the log holds only what devices sent']);
  expect(broken({ archived: stranger })).toEqual(['the archive holds only what the log holds']);
});

test('an extra record is excused by a device that sent again or by what the collector counted, never by both for one', () => {
  const duplicated = { records: [...names, 'a 1'], predictions: [...names, 'a 1'].map((name) => said(name)) };
  expect(broken(duplicated)).toEqual(['each extra record was counted']);
  expect(broken({ ...duplicated, possibleExtras: 1 })).toEqual([]);
  expect(broken({ ...duplicated, resent: new Map([['a 1', 1]]) })).toEqual([]);
  expect(broken({ ...duplicated, resent: new Map([['a 2', 7]]) })).toEqual(['each extra record was counted']);
  const thrice = {
    records: [...names, 'a 1', 'a 1'],
    predictions: [...names, 'a 1', 'a 1'].map((name) => said(name)),
    resent: new Map([['a 1', 1]]),
  };
  expect(broken(thrice)).toEqual(['each extra record was counted']);
  expect(check(evidence({ ...thrice, possibleExtras: 1 })).counts).toMatchObject({
    extraRecords: 2,
    extrasByDevices: 1,
  });
});

test('a record labelled twice, or labelled and a dead letter, is found', () => {
  expect(broken({ predictions: [...names.map((name) => said(name)), said('a 1')] })).toEqual([
    'no record has two of them',
  ]);
  expect(broken({ deadLetters: ['a 1'] })).toEqual(['no record has two of them']);
  expect(broken({ records: [...names, 'a 1'], possibleExtras: 1 })).toEqual([
    'each record has a prediction, a dead letter or a counted skip',
  ]);
});

test('a dead letter or a counted skip stands for a prediction', () => {
  const unlabelled = { predictions: saidWithout('b 2'), points: saidWithout('b 2') };
  expect(broken({ ...unlabelled, deadLetters: ['b 2'] })).toEqual([]);
  expect(broken({ ...unlabelled, skips: 1 })).toEqual([]);
  expect(broken(unlabelled)).not.toEqual([]);
});

test('a point duplicated by another tag is found', () => {
  expect(broken({ archived: [...names, 'a 1'] })).toEqual(['a reading is one point']);
  expect(broken({ points: [...names.map((name) => said(name)), said('a 1')] })).toEqual(['a prediction is one point']);
});

test('what only an aborted batch said may not stay: neither beside a committed label nor without one', () => {
  const stale = [...saidWithout('a 1'), said('a 1', 2)];
  expect(check(evidence({ points: stale })).violations).toEqual([
    { promise: 'a point says what a committed prediction says', count: 1, examples: ['a 1: 2 spam instead of 1 spam'] },
  ]);
  // Read uncommitted, the topic has both; the later one is the committed one, and that is what the point must say.
  expect(broken({ predictions: stale, points: stale })).toEqual([]);
  const dead = { predictions: saidWithout('a 1'), deadLetters: ['a 1'] };
  expect(broken(dead)).toEqual(['only committed predictions are points in the end']);
});

test('what sat in a damaged part of the spool is excused, once it was told', () => {
  const lost = {
    records: without('b 1'),
    predictions: saidWithout('b 1'),
    archived: without('b 1'),
    points: saidWithout('b 1'),
    excused: new Set(['b 1', 'b 2']),
  };
  expect(broken(lost)).toEqual(['what a disk damaged is told']);
  const { counts, violations } = check(evidence({ ...lost, toldLost: 1 }));
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, lostToDamage: 1 });
  expect(broken({ ...lost, excused: new Set(['b 2']), toldLost: 1 })).toEqual([
    'every acknowledged reading is in the log',
  ]);
});
