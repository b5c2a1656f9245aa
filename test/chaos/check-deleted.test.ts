import { expect, test } from 'vitest';
import { check, type Evidence } from './check.ts';
import { unreadAtDeletion } from './check-deleted.ts';

const held = ['a 1', 'a 2', 'a 3', 'a 4'];
const live = ['b 1'];
const said = (identity: string) => ({ identity, said: '1 spam' });

/** A topic was deleted that held four readings in one partition, of which `labelled` and `archived` were read; one came after that. */
function afterDeletion(labelled: readonly string[], archived = labelled, more: Partial<Evidence> = {}): Evidence {
  const all = [...held, ...live];
  return {
    acknowledged: new Set(all),
    sent: new Set(all),
    resent: new Map(),
    possibleExtras: 0,
    records: all,
    predictions: [...labelled, ...live].map(said),
    deadLetters: [],
    skips: 0,
    archivable: all,
    archived: [...archived, ...live],
    points: [...labelled, ...live].map(said),
    excused: new Set(),
    toldLost: 0,
    deleted: { readings: [held], predictions: [] },
    ...more,
  };
}

const promises = (evidence: Evidence) => check(evidence).violations.map(({ promise }) => promise);

test('what a deleted topic held behind the last record that was read is destroyed, and counted as that', () => {
  const { counts, violations } = check(afterDeletion(['a 1', 'a 2', 'a 3'], ['a 1', 'a 2']));
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ lost: 0, destroyed: { unlabelled: 1, unarchived: 2, unforwarded: 0 } });
});

test('what is missing before a record that was read is lost', () => {
  expect(promises(afterDeletion(['a 1', 'a 2', 'a 4'], held))).toEqual([
    'each record has a prediction, a dead letter or a counted skip',
  ]);
  expect(promises(afterDeletion(held, ['a 1', 'a 2', 'a 4']))).toEqual(['every record is archived']);
});

test('what came after the deletion is never excused, also where the deleted topic held the same reading', () => {
  expect(promises({ ...afterDeletion(held), predictions: held.map(said), points: held.map(said) })).toEqual([
    'each record has a prediction, a dead letter or a counted skip',
  ]);
  const resent = { resent: new Map([['a 4', 1]]), records: [...held, 'a 4', ...live] };
  const thrice = ['a 1', 'a 2', 'a 3'];
  expect(promises(afterDeletion([...thrice, 'a 4'], held, { ...resent, archivable: [...held, ...live] }))).toEqual([]);
  expect(promises(afterDeletion(thrice, held, resent))).toEqual([
    'each record has a prediction, a dead letter or a counted skip',
  ]);
});

test('what an aborted batch said stays where the label that would overwrite it went unread with its topic, and nowhere else', () => {
  const deleted = { readings: [held], predictions: [held] };
  const staleAt = (...stale: string[]) =>
    [...held, ...live].map((identity) => ({ identity, said: stale.includes(identity) ? '2 spam' : '1 spam' }));
  const { counts, violations } = check(afterDeletion(held, held, { points: staleAt('a 3', 'a 4'), deleted }));
  expect(violations).toEqual([]);
  expect(counts.destroyed).toMatchObject({ unforwarded: 2 });
  for (const stale of ['a 3', 'b 1']) {
    expect(promises(afterDeletion(held, held, { points: staleAt(stale), deleted }))).toEqual([
      'a point says what a committed prediction says',
    ]);
  }
});

test('a reading that also stands in the topic that came after shows nothing of what was read before it', () => {
  const resent = { resent: new Map([['a 4', 1]]), records: [...held, 'a 4', ...live] };
  const archivable = [...held, 'a 4', ...live];
  const notArchived = afterDeletion(held, ['a 1', 'a 2', 'a 4'], { ...resent, archivable });
  expect(promises({ ...notArchived, predictions: [...held, 'a 4', ...live].map(said) })).toEqual([]);
  const deleted = { readings: [held], predictions: [held] };
  const predictions = [...held, 'a 4', ...live].map(said);
  const points = ['a 1', 'a 2', 'a 4', ...live].map(said);
  const notForwarded = afterDeletion(held, held, { ...resent, archivable, predictions, points, deleted });
  expect(check(notForwarded)).toMatchObject({ violations: [], counts: { destroyed: { unforwarded: 1 } } });
});

test('an acknowledged reading that no topic ever held is lost, and a label too many is found', () => {
  const missing = {
    records: [...held.slice(0, 3), ...live],
    deleted: { readings: [held.slice(0, 3)], predictions: [] },
  };
  const three = held.slice(0, 3);
  expect(promises(afterDeletion(three, three, { ...missing, archivable: missing.records }))).toEqual([
    'every acknowledged reading is in the log',
  ]);
  expect(promises(afterDeletion([...held, 'a 1'], held, { points: [...held, ...live].map(said) }))).toEqual([
    'no record has two of them',
  ]);
});

test('a label of a destroyed reading that Telegraf forwarded before its batch was aborted is no stranger', () => {
  const three = held.slice(0, 3);
  expect(promises(afterDeletion(three, held, { points: [...held, ...live].map(said) }))).toEqual([]);
});

test('predictions that were gone before they were forwarded are counted', () => {
  const gone = { points: [...held.slice(0, 3), ...live].map(said), deleted: { readings: [held], predictions: [held] } };
  const { counts, violations } = check(afterDeletion(held, held, gone));
  expect(violations).toEqual([]);
  expect(counts.destroyed).toEqual({ unlabelled: 0, unarchived: 0, unforwarded: 1 });
});

test('a deletion does not explain that most of a topic was never read', () => {
  expect(promises(afterDeletion(['a 1'], held))).toEqual(['most of what a deleted topic held had been read']);
});

test('only the end of each partition can be unread', () => {
  const missing = new Set(['a 2', 'b 2', 'c 1', 'c 2']);
  const partitions = [['a 1', 'a 2'], ['b 1', 'b 2', 'b 3'], ['c 1', 'c 2'], []];
  expect([...unreadAtDeletion(partitions, (identity) => missing.has(identity)).keys()].sort()).toEqual([
    'a 2',
    'c 1',
    'c 2',
  ]);
});
