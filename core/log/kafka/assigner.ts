import type { AssignerProtocol, Cluster, PartitionAssigner } from 'kafkajs';

type Protocol = typeof AssignerProtocol;

interface Claim {
  readonly id: string;
  /** The partition numbers that the member works on already. */
  readonly owned: readonly number[];
}

/**
 * Spreads partition numbers over members: as evenly as possible, and each stays with its member as far as that allows, because moving one
 * costs its new owner the warm-up.
 */
export function spread(claims: readonly Claim[], count: number): Map<string, number[]> {
  const free = new Set(Array.from({ length: count }, (_, number) => number));
  const floor = Math.floor(count / claims.length);
  // So many members get one more than the others.
  let larger = count % claims.length;
  const byId = (a: Claim, b: Claim) => (a.id < b.id ? -1 : 1);
  const plans = claims
    .toSorted((a, b) => b.owned.length - a.owned.length || byId(a, b))
    .map(({ id, owned }) => {
      const claimed = [...new Set(owned)].filter((number) => free.has(number));
      const quota = larger > 0 && claimed.length > floor ? floor + 1 : floor;
      if (quota > floor) larger -= 1;
      const share = claimed.slice(0, quota);
      for (const number of share) free.delete(number);
      return { id, owned, quota, share };
    });
  for (const plan of plans.toSorted(byId)) {
    if (larger > 0 && plan.quota === floor) {
      plan.quota += 1;
      larger -= 1;
    }
    for (const number of free) {
      if (plan.share.length >= plan.quota) break;
      plan.share.push(number);
      free.delete(number);
    }
    plan.share.sort((a, b) => a - b);
  }
  return new Map(plans.map(({ id, share }) => [id, share]));
}

/** One partition number of all topics goes to one member; see {@link spread}. `owned` returns the numbers that this member works on. */
export function coPartitioning(protocol: Protocol, owned: () => readonly number[]): PartitionAssigner {
  const name = 'gapline-co-partitioning';
  const version = 0;
  return ({ cluster }: { cluster: Cluster }) => ({
    name,
    version,
    async assign({ members, topics }) {
      const claims = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        owned: decodeOwned(protocol.MemberMetadata.decode(memberMetadata)?.userData),
      }));
      const count = Math.min(...topics.map((topic) => cluster.findTopicPartitionMetadata(topic).length));
      return [...spread(claims, count)].map(([memberId, numbers]) => ({
        memberId,
        memberAssignment: protocol.MemberAssignment.encode({
          version,
          assignment: Object.fromEntries(topics.map((topic) => [topic, numbers])),
          userData: Buffer.alloc(0),
        }),
      }));
    },
    protocol: ({ topics }) => ({
      name,
      metadata: protocol.MemberMetadata.encode({ version, topics, userData: Buffer.from(JSON.stringify(owned())) }),
    }),
  });
}

/** The partition numbers that a member said it works on. */
export function decodeOwned(userData: Buffer | undefined): number[] {
  try {
    const owned: unknown = JSON.parse(String(userData));
    return Array.isArray(owned) ? owned.filter((number) => Number.isInteger(number)) : [];
  } catch {
    return [];
  }
}

/**
 * The only member of an ephemeral consumer group gets the partitions that it asks for and no others. It is asked at each rebalance,
 * with the number of partitions that a topic has then.
 */
export function onlyThese(
  protocol: Protocol,
  wanted: (countOf: (topic: string) => number) => readonly (readonly [topic: string, partitions: readonly number[]])[],
): PartitionAssigner {
  const name = 'gapline-only-these';
  const version = 0;
  return ({ cluster }: { cluster: Cluster }) => ({
    name,
    version,
    async assign({ members }) {
      const partitions = wanted((topic) => cluster.findTopicPartitionMetadata(topic).length);
      return members.map(({ memberId }) => ({
        memberId,
        memberAssignment: protocol.MemberAssignment.encode({
          version,
          assignment: Object.fromEntries(partitions.map(([topic, numbers]) => [topic, [...numbers]])),
          userData: Buffer.alloc(0),
        }),
      }));
    },
    protocol: ({ topics }) => ({
      name,
      metadata: protocol.MemberMetadata.encode({ version, topics, userData: Buffer.alloc(0) }),
    }),
  });
}
