import { expect, test } from 'vitest';
import type { StoredRecord } from '../../core/log/port.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Violation } from './check.ts';
import { checkFacts, type FactEvidence } from './check-facts.ts';
import { gatherFacts } from './fact-evidence.ts';
import { Clerk, type Told } from './ward/clerk.ts';

const records = ['p 1', 'p 2', 'q 1', 'visitor 1', 'visitor 2', 'visitor 2'];
const covered = new Set(['p 1', 'p 2']);

const tally = (identities: readonly string[]) => {
  const counts = new Map<string, number>();
  for (const identity of identities) counts.set(identity, (counts.get(identity) ?? 0) + 1);
  return counts;
};

/** A run in which all went well, but for what a test plants. */
function violationsOf(planted: Partial<FactEvidence>, outcomes: readonly string[] = [...covered]): string[] {
  const violations: Violation[] = [];
  const evidence: FactEvidence = {
    isCovered: (identity) => covered.has(identity),
    wasCovered: (identity) => covered.has(identity) || identity === 'q 1',
    isPast: (identity) => identity === 'visitor 1',
    told: new Map([['f', 'said']]),
    inLog: new Map([['f', 'said']]),
    unfounded: [],
    waiting: 3,
    skippedNoFact: 1,
    stays: {},
    ...planted,
  };
  checkFacts(evidence, tally(records), tally(outcomes), (promise, found, count) => {
    const examples = [...found];
    if (examples.length > 0) violations.push({ promise, count: count ?? examples.length, examples });
    return examples.length;
  });
  return violations.map(({ promise, examples }) => `${promise}: ${examples}`);
}

test('each promise about facts is checked', () => {
  expect(violationsOf({})).toEqual([]);
  // Of a stay that was shortened: labelled before.
  expect(violationsOf({ waiting: 2 }, ['p 1', 'p 2', 'q 1'])).toEqual([]);
  expect(violationsOf({}, ['p 1'])).toEqual(['every reading that facts cover has a prediction or a dead letter: p 2']);
  expect(violationsOf({}, ['p 1', 'p 1', 'p 2'])).toEqual(['no record has two of them: p 1']);
  expect(violationsOf({ waiting: 1 }, ['p 1', 'p 2', 'visitor 2', 'visitor 2'])).toEqual([
    'no reading is labelled that no fact ever covered: visitor 2',
  ]);
  expect(violationsOf({ unfounded: ['p 1'] })).toEqual(['a prediction names facts that were told: p 1']);
  expect(violationsOf({ waiting: 2 })).toEqual(['readings that wait are in the state, each once: 2 wait, there are 3']);
  expect(violationsOf({ skippedNoFact: 2 })).toEqual([
    'classifiers count nothing twice: no-fact: 2 counted, 1 readings are too late',
  ]);
  expect(violationsOf({ inLog: new Map([['f', 'before']]) })).toEqual([
    'the log says of each fact what was told last: f: before, said',
  ]);
  expect(violationsOf({ inLog: new Map([...['f', 'g'].map((key) => [key, 'said'] as const)]) })).toEqual([
    'the log holds only facts that were told: g',
  ]);
});

const admission: Told = { subject: 'p', kind: 'admission', from: '10', to: '20', values: {} };
const age: Told = { subject: 'p', kind: 'age', from: '0', values: { age: 30 } };
const keyOf = ({ subject, kind, from }: Told) => JSON.stringify([subject, kind, from]);

const stored = (value: object, arrivedMs = 0): StoredRecord => ({
  ...{ topic: 't', partition: 0, offset: 0n, key: 'k', arrivedMs },
  value: Buffer.from(JSON.stringify(value)),
});

test('what the facts cover is what was told last, and what they ever covered is all that was told', () => {
  const clerk = new Clerk('http://127.0.0.1:1', 1);
  clerk.told.set(keyOf(age), [age]);
  clerk.told.set(keyOf(admission), [admission, { ...admission, to: '15' }]);
  const deleted: Told = { ...admission, from: '30', to: '40' };
  clerk.told.set(keyOf(deleted), [deleted, { ...deleted, values: null }]);
  const status = (waiting: number) => ({ stage: 'classifier', counters: { factsWaiting: waiting } });
  const predictions = [
    { device: 'p', time: '12', facts: { admission: '10', age: '0' } },
    { device: 'p', time: '9', facts: { admission: '10', age: '0' } },
    { device: 'p', time: '13', facts: { admission: '10' } },
  ] as unknown as readonly Prediction[];
  const evidence = gatherFacts(clerk, {
    facts: [],
    statuses: [stored(status(7), 5), stored(status(3), 4), stored({ stage: 'collector', counters: {} }, 6)],
    identities: [`visitor ${3_600_000_000_001n}`, 'visitor 0', 'visitor 1'],
    predictions,
    counted: () => 2,
  });
  const times = ['p 9', 'p 10', 'p 14', 'p 15', 'p 20', 'p 35', 'q 12'];
  expect(times.filter(evidence.isCovered)).toEqual(['p 10', 'p 14']);
  expect(times.filter(evidence.wasCovered)).toEqual(['p 10', 'p 14', 'p 15', 'p 35']);
  expect(['visitor 0', 'visitor 1', 'p 0'].filter(evidence.isPast)).toEqual(['visitor 0']);
  expect(evidence).toMatchObject({ unfounded: ['p 9', 'p 13'], waiting: 7, skippedNoFact: 2 });
});
