import { createRequire } from 'node:module';

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

interface OffsetManager {
  readonly cluster: {
    fetchTopicsOffset(
      topics: readonly object[],
    ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
  };
  readonly resolvedOffsets: Record<string, Record<number, string>>;
}

let patched = false;

/**
 * kafkajs 2.2.4 commits the offset −2 for the group where a fetch is outside of what a partition holds. That takes from the group what it had
 * committed, and with it whether the partition lost its end. This one commits nothing and fetches from the oldest offset.
 */
export function patchOffsets(): void {
  if (patched) return;
  patched = true;
  const manager = createRequire(import.meta.url)('kafkajs/src/consumer/offsetManager') as { prototype: object };
  Object.assign(manager.prototype, {
    async setDefaultOffset(this: OffsetManager, { topic, partition }: TopicPartition) {
      const asked = { topic, partitions: [{ partition }], fromBeginning: true };
      const [found] = await this.cluster.fetchTopicsOffset([asked]);
      const oldest = found?.partitions.find((each) => each.partition === partition)?.offset ?? '0';
      const offsets = this.resolvedOffsets[topic];
      if (offsets) offsets[partition] = oldest;
    },
  });
}
