import type { Alert } from '../../core/wire/alert.ts';
import { nextEpisode } from './episode.ts';
import { type EpisodeDraft, Episodes, type SavedEpisode } from './episodes.ts';
import { type AlertDetails, alertOf, describeFinding } from './message.ts';
import type { Rule } from './rule.ts';
import type { RuleConfig } from './schema.ts';

/** Subjects that one rule watches in one partition, at most. */
export const maxSubjects = 100_000;

interface SavedRule {
  readonly definition: RuleConfig;
  readonly episodes: readonly SavedEpisode[];
  /** The rule was changed or removed, and the next batch resolves what fires by it. */
  readonly isGone?: true;
}

/** What the rules of one partition remember, as JSON in its checkpoint. */
export interface SavedRules {
  /** Records that arrived before this are older than the first start of these alerts, and raise none. */
  readonly startMs: number;
  readonly rules: readonly SavedRule[];
}

interface Entry<R extends Rule> {
  readonly rule: R;
  readonly episodes: Episodes;
}

/** The rules of one partition with what they remember. */
export class RuleBook<R extends Rule> {
  readonly stream: string;
  readonly startMs: number;
  readonly #entries: readonly Entry<R>[];
  /** Alerts that fire by rules that are changed or gone. They are resolved with the next batch. */
  #orphans: readonly SavedRule[];

  constructor(stream: string, rules: readonly R[], saved: SavedRules, limit = maxSubjects) {
    this.stream = stream;
    this.startMs = saved.startMs;
    const known = new Map(saved.rules.map((each) => [identityOf(each.definition), each.episodes]));
    const current = new Set(rules.map(({ definition }) => identityOf(definition)));
    this.#entries = rules.map((rule) => ({
      ...{ rule, episodes: new Episodes(limit, known.get(identityOf(rule.definition))) },
    }));
    this.#orphans = saved.rules
      .filter(({ definition }) => !current.has(identityOf(definition)))
      .map((each) => ({
        ...each,
        isGone: true as const,
        episodes: each.episodes.filter(([, , , firing]) => firing === 1),
      }))
      .filter(({ episodes }) => episodes.length > 0);
  }

  /** Begins a batch. */
  draft(): RuleDraft<R> {
    return new RuleDraft(this.stream, this.#entries, this.#orphans, () => {
      this.#orphans = [];
    });
  }

  firing(): number {
    let count = 0;
    for (const { episodes } of this.#entries) for (const [, { firing }] of episodes.entries()) count += firing ? 1 : 0;
    return count;
  }

  save(): SavedRules {
    const rules = this.#entries.map(({ rule: { definition }, episodes }) => ({
      definition,
      episodes: episodes.save(),
    }));
    return { startMs: this.startMs, rules: [...rules, ...this.#orphans] };
  }
}

const identityOf = (definition: RuleConfig): string => JSON.stringify(Object.entries(definition).sort());

export interface DraftedRule<R extends Rule> {
  readonly rule: R;
  readonly draft: EpisodeDraft;
}

interface Change extends Pick<Alert, 'state'> {
  readonly since: bigint;
  readonly at: bigint;
  readonly details: AlertDetails;
  /** Why it is resolved, where that is not because the condition holds no longer. */
  readonly reason?: string;
}

/** What one batch makes of the rules: alerts, and changes that count once it is committed. */
export class RuleDraft<R extends Rule> {
  readonly alerts: Alert[] = [];
  readonly rules: readonly DraftedRule<R>[];
  readonly #stream: string;
  readonly #committed: () => void;

  constructor(stream: string, entries: readonly Entry<R>[], orphans: readonly SavedRule[], committed: () => void) {
    this.#stream = stream;
    this.#committed = committed;
    this.rules = entries.map(({ rule, episodes }) => ({ rule, draft: episodes.draft() }));
    for (const { definition, episodes } of orphans)
      for (const [subject, since] of episodes) this.#resolveOrphan(definition.name, subject, BigInt(since));
  }

  /** One reading or tick of a subject: whether it matches the rule, and what to tell where that is news. */
  step(of: DraftedRule<R>, subject: string, matches: boolean, at: bigint, details: AlertDetails): void {
    const { rule, draft } = of;
    const before = draft.get(subject);
    if (before === undefined && !matches) return;
    const { next, change } = nextEpisode(before, matches, at, rule);
    if (next !== before) draft.set(subject, next);
    // Where there was no room for it, it was not kept, and must not be raised.
    if (change && draft.get(subject) === next) this.raise(rule, subject, { ...change, at, details });
  }

  raise(rule: R, subject: string, change: Change): void {
    const { state, since, at, details, reason = 'no longer' } = change;
    const what = state === 'firing' ? describeFinding(rule, details) : reason;
    this.alerts.push(alertOf({ stream: this.#stream, rule: rule.name, subject, state, since, at, details, what }));
  }

  get leftOut(): number {
    return this.rules.reduce((sum, { draft }) => sum + draft.leftOut, 0);
  }

  commit(): void {
    for (const { draft } of this.rules) draft.commit();
    this.#committed();
  }

  #resolveOrphan(rule: string, subject: string, since: bigint): void {
    const what = 'the rule was changed or removed';
    const shared = { stream: this.#stream, rule, subject, state: 'resolved' } as const;
    this.alerts.push(alertOf({ ...shared, since, at: since, details: {}, what }));
  }
}
