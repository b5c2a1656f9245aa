import type { FetchOptions } from './consuming.ts';

/** Reports that a topic was deleted and made anew, and has its buffers restarted. */
export function reportRemade({ group, logger, remade }: FetchOptions, topic: string): void {
  const what = `Topic ${topic} was deleted and made anew: the group restarts with what the topic holds now`;
  logger.warn({ group, topic }, what);
  remade(topic);
}

/** Reports that a partition ends before what was fetched of it, as after an unclean election of its leader, and has its buffer moved to that end. */
export function reportLostEnd(
  { group, logger, lostEnd }: FetchOptions,
  { topic, partition, end }: { readonly topic: string; readonly partition: number; readonly end: bigint },
): void {
  const what = `Topic ${topic} lost records at the end of partition ${partition}: the group continues at offset ${end}`;
  logger.warn({ group, topic, partition, offset: String(end) }, what);
  lostEnd(topic, partition, end);
}
