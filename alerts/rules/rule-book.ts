import type { StoredRecord } from '../../core/log/port.ts';
import type { Alert } from '../../core/wire/alert.ts';
import { type Moment, nextEpisode } from './episode.ts';
import { type EpisodeDraft, Episodes, type SavedEpisode } from './episodes.ts';
import { type AlertDetails, alertOf, describeFinding } from './message.ts';
import type { Rule } from './rule.ts';
import { lastHeard, type SavedRule, type SavedRules } from './saved.ts';
import type { RuleConfig } from './schema.ts';

/** Subjects that one rule watches in one partition, at most. */
export const maxSubjects = 100_000;
/** Alerts of rules that are changed or gone that one batch resolves, at most. */
export const mostOrphansOfBatch = 2_000;

interface Entry<R extends Rule> {
  readonly rule: R;
  readonly episodes: Episodes;
}

/** An alert that fires by a rule that is changed or gone. */
interface Orphan {
  readonly definition: RuleConfig;
  readonly episode: SavedEpisode;
}

/** The rules of one partition with what they remember. */
export class RuleBook<R extends Rule> {
  readonly stream: string;
  readonly startMs: number;
  readonly #entries: readonly Entry<R>[];
  /** They are resolved with the next batches. */
  #orphans: readonly Orphan[];
  /** The last draft, or the one in hand, did less than there was to do: what a replay makes of it depends on where batches begin. */
  #wasPartial = false;
  #isPartial = false;

  constructor(stream: string, rules: readonly R[], saved: SavedRules, limit = maxSubjects) {
    this.stream = stream;
    this.startMs = saved.startMs;
    const standing = saved.rules.filter(({ isGone }) => !isGone);
    const known = new Map(standing.map((each) => [identityOf(each.definition), each.episodes]));
    const current = new Set(rules.map(({ definition }) => identityOf(definition)));
    const heard = lastHeard(saved.rules, limit);
    this.#entries = rules.map((rule) => {
      const own = known.get(identityOf(rule.definition));
      return { rule, episodes: new Episodes(limit, own ?? (rule.kind === 'silent' ? heard() : [])) };
    });
    this.#orphans = saved.rules
      .filter(({ definition, isGone }) => isGone || !current.has(identityOf(definition)))
      .flatMap(({ definition, episodes }) =>
        episodes.filter(([, , , firing]) => firing === 1).map((episode) => ({ definition, episode })),
      );
  }

  /**
   * Begins a batch.
   * @param isReplayed - false for the first batch of a replay and all new ones; while rules leave orphans, a replay is of one batch
   */
  draft(isReplayed = false): RuleDraft<R> {
    const orphans = isReplayed ? [] : this.#orphans.slice(0, mostOrphansOfBatch);
    this.#isPartial = orphans.length > 0;
    return new RuleDraft(this.stream, this.#entries, orphans, {
      leftRest: () => {
        this.#isPartial = true;
      },
      committed: () => {
        this.#orphans = this.#orphans.slice(orphans.length);
        this.#wasPartial = this.#isPartial;
      },
    });
  }

  /** Whether the batch in hand, or the one before it, must not be replayed together with others. */
  get isPartial(): boolean {
    return this.#isPartial || this.#wasPartial;
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
    return { startMs: this.startMs, rules: [...rules, ...savedOrphans(this.#orphans)] };
  }
}

const identityOf = (definition: RuleConfig): string => JSON.stringify(Object.entries(definition).sort());

const savedOrphans = (orphans: readonly Orphan[]): SavedRule[] =>
  Array.from(
    Map.groupBy(orphans, ({ definition }) => definition),
    ([definition, own]) => ({ definition, episodes: own.map(({ episode }) => episode), isGone: true }),
  );

export interface DraftedRule<R extends Rule> {
  readonly rule: R;
  readonly draft: EpisodeDraft;
}

/** What one reading or tick says of a subject. */
export interface Observation extends Moment {
  readonly subject: string;
  readonly matches: boolean;
  readonly details: AlertDetails;
}

interface Change extends Pick<Alert, 'state'> {
  readonly since: bigint;
  readonly origin: string;
  readonly at: bigint;
  readonly details: AlertDetails;
  /** Why it is resolved, where that is not because the condition holds no longer. */
  readonly reason?: string;
}

interface DraftHooks {
  leftRest(): void;
  committed(): void;
}

/** What one batch makes of the rules: alerts, and changes that count once it is committed. */
export class RuleDraft<R extends Rule> {
  readonly alerts: Alert[] = [];
  readonly rules: readonly DraftedRule<R>[];
  readonly #stream: string;
  readonly #hooks: DraftHooks;

  constructor(stream: string, entries: readonly Entry<R>[], orphans: readonly Orphan[], hooks: DraftHooks) {
    this.#stream = stream;
    this.#hooks = hooks;
    this.rules = entries.map(({ rule, episodes }) => ({ rule, draft: episodes.draft() }));
    for (const orphan of orphans) this.#resolveOrphan(orphan);
  }

  /** One reading or tick of a subject: whether it matches the rule, and what to tell where that is news. */
  step(of: DraftedRule<R>, record: StoredRecord, { subject, matches, details, ...moment }: Observation): void {
    const { rule, draft } = of;
    const before = draft.get(subject);
    if (before === undefined && !matches) return;
    const { next, change } = nextEpisode(before, matches, moment, rule, record);
    if (next !== before) draft.set(subject, next);
    // Where there was no room for it, it was not kept, and must not be raised.
    if (change && draft.get(subject) === next) this.raise(rule, subject, { ...change, at: moment.at, details });
  }

  raise(rule: R, subject: string, { details, reason = 'no longer', ...change }: Change): void {
    const what = change.state === 'firing' ? describeFinding(rule, details) : reason;
    this.alerts.push(alertOf({ stream: this.#stream, rule: rule.name, subject, ...change, details, what }));
  }

  /** There is more to raise than one batch may hold: the next one raises the rest. */
  leaveRest(): void {
    this.#hooks.leftRest();
  }

  get leftOut(): number {
    return this.rules.reduce((sum, { draft }) => sum + draft.leftOut, 0);
  }

  commit(): void {
    for (const { draft } of this.rules) draft.commit();
    this.#hooks.committed();
  }

  #resolveOrphan({ definition, episode: [subject, written, , , origin] }: Orphan): void {
    const since = BigInt(written);
    const what = 'the rule was changed or removed';
    const shared = { stream: this.#stream, rule: definition.name, subject, state: 'resolved' } as const;
    this.alerts.push(alertOf({ ...shared, since, origin: origin ?? '', at: since, details: {}, what }));
  }
}
