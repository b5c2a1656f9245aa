import fc from 'fast-check';
import { AssignerProtocol } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { coPartitioning, spread } from './assigner.ts';

const claims = (owned: Record<string, number[]>) => Object.entries(owned).map(([id, own]) => ({ id, owned: own }));
const spreadOver = (owned: Record<string, number[]>, count: number) => Object.fromEntries(spread(claims(owned), count));

describe('spreading partition numbers over members', () => {
  test('shares them evenly', () => {
    expect(spreadOver({ a: [] }, 3)).toEqual({ a: [0, 1, 2] });
    expect(spreadOver({ b: [], a: [] }, 5)).toEqual({ a: [0, 1, 2], b: [3, 4] });
    expect(spreadOver({ a: [], b: [], c: [] }, 2)).toEqual({ a: [0], b: [1], c: [] });
  });

  test('moves no more than a newcomer needs', () => {
    expect(spreadOver({ a: [0, 1, 2, 3], b: [] }, 4)).toEqual({ a: [0, 1], b: [2, 3] });
    expect(spreadOver({ a: [0, 2], b: [1, 3], c: [] }, 4)).toEqual({ a: [0, 2], b: [1], c: [3] });
  });

  test('gives what a lost member had to the others, who keep theirs', () => {
    expect(spreadOver({ a: [0, 3], b: [1, 4] }, 6)).toEqual({ a: [0, 2, 3], b: [1, 4, 5] });
  });

  test('gives each number to exactly one member, whatever they claim', () => {
    const members = fc.uniqueArray(fc.record({ id: fc.string(), owned: fc.array(fc.integer({ min: -2, max: 40 })) }), {
      selector: ({ id }) => id,
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(members, fc.integer({ min: 0, max: 36 }), (claims, count) => {
        const shares = spread(claims, count);
        const sizes = [...shares.values()].map(({ length }) => length);
        expect([...shares.keys()].toSorted()).toEqual(claims.map(({ id }) => id).toSorted());
        expect([...shares.values()].flat().toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, n) => n),
        );
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        // What was spread once stays where it is.
        expect(
          spread(
            [...shares].map(([id, owned]) => ({ id, owned })),
            count,
          ),
        ).toEqual(shares);
      }),
    );
  });
});

test('one partition number of all topics goes to one member, and members state which they own', async () => {
  const partitions = Array.from({ length: 4 }, (_, partitionId) => ({ partitionId }));
  const cluster = { findTopicPartitionMetadata: () => partitions };
  const assignerOf = (owned: number[]) =>
    coPartitioning(
      AssignerProtocol,
      () => owned,
    )({ cluster } as unknown as Parameters<ReturnType<typeof coPartitioning>>[0]);
  const topics = ['left', 'right'];
  const members = Object.entries({ a: [3, 1], b: [], foreign: [] }).map(([memberId, owned]) => ({
    memberId,
    memberMetadata: assignerOf(owned).protocol({ topics }).metadata,
  }));
  // Metadata without ours, as another client would send it.
  members[2]!.memberMetadata = AssignerProtocol.MemberMetadata.encode({
    version: 0,
    topics,
    userData: Buffer.alloc(0),
  });
  const assignment = await assignerOf([]).assign({ members, topics } as Parameters<
    ReturnType<typeof assignerOf>['assign']
  >[0]);
  const decoded = assignment.map(({ memberId, memberAssignment }) => [
    memberId,
    AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
  ]);
  expect(Object.fromEntries(decoded)).toEqual({
    a: { left: [1, 3], right: [1, 3] },
    b: { left: [0], right: [0] },
    foreign: { left: [2], right: [2] },
  });
});
