import type { SavedEpisode } from './episodes.ts';
import type { RuleConfig } from './schema.ts';

export interface SavedRule {
  readonly definition: RuleConfig;
  readonly episodes: readonly SavedEpisode[];
  /** The rule was changed or removed, and the next batches resolve what fires by it. */
  readonly isGone?: true;
}

/** What the rules of one partition remember, as JSON in its checkpoint. */
export interface SavedRules {
  /** Records that arrived before this are older than the first start of these alerts, and raise none. */
  readonly startMs: number;
  readonly rules: readonly SavedRule[];
}

/**
 * When each device was last heard, as rules on silence remember it: a rule that is new or changed begins with that, or it would know
 * nothing of a device that is silent already.
 * @param limit - devices at most
 * @returns what makes the episodes, at the first call
 */
export function lastHeard(saved: readonly SavedRule[], limit: number): () => readonly SavedEpisode[] {
  let made: readonly SavedEpisode[] | undefined;
  return () => {
    made ??= collect(saved, limit);
    return made;
  };
}

function collect(saved: readonly SavedRule[], limit: number): readonly SavedEpisode[] {
  const sinces = new Map<string, string>();
  for (const { definition, episodes } of saved) {
    if (definition.silent === undefined) continue;
    for (const [subject, since] of episodes) {
      const before = sinces.get(subject);
      const isLater = before === undefined ? sinces.size < limit : BigInt(since) > BigInt(before);
      if (isLater) sinces.set(subject, since);
    }
  }
  return Array.from(sinces, ([subject, since]) => [subject, since, 0, 0]);
}

const format = 1;

export const encodeRules = (saved: SavedRules): Uint8Array => Buffer.from(JSON.stringify({ format, ...saved }));

/** @throws {RangeError} of another format */
export function decodeRules(bytes: Uint8Array): SavedRules {
  const { format: found, ...saved } = JSON.parse(new TextDecoder().decode(bytes)) as SavedRules & { format: number };
  if (found !== format) throw new RangeError(`the state of the alerts is of format ${found}, not ${format}`);
  return saved;
}
