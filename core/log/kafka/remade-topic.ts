import type { FetchOptions } from './consuming.ts';

/** Reports that a topic was deleted and made anew, or that a partition of it lost its end, and has its buffers restarted. */
export function reportRemade({ group, logger, remade }: FetchOptions, topic: string, partition?: number): void {
  const what =
    partition === undefined ? 'was deleted and made anew' : `lost records at the end of partition ${partition}`;
  logger.warn({ group, topic }, `Topic ${topic} ${what}: the group restarts with what the topic holds now`);
  remade(topic, partition);
}
