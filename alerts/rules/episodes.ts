import type { Episode, RunClock } from './episode.ts';

/** One saved episode: subject, `since` as a decimal string, run, 1 where it fires, and then what raised it; else the clock of its run. */
export type SavedEpisode = readonly [
  subject: string,
  since: string,
  run: number,
  firing: 0 | 1,
  origin?: string | null,
  clock?: SavedClock,
];

type SavedClock = readonly [latest: string, received: string, wasSetBack: 0 | 1];

const saveClock = ({ latest, received, wasSetBack }: RunClock): SavedClock => [
  `${latest}`,
  `${received}`,
  wasSetBack ? 1 : 0,
];

const loadClock = ([latest, received, wasSetBack]: SavedClock): RunClock => ({
  latest: BigInt(latest),
  received: BigInt(received),
  wasSetBack: wasSetBack === 1,
});

/** The episodes of one rule in one partition, by subject. They change only when a draft is committed. */
export class Episodes {
  readonly #committed = new Map<string, Episode>();
  readonly #limit: number;

  /** @param limit - subjects at most; those beyond it are not watched */
  constructor(limit: number, saved: readonly SavedEpisode[] = []) {
    this.#limit = limit;
    for (const [subject, since, run, firing, origin, clock] of saved)
      this.#committed.set(subject, {
        ...{ since: BigInt(since), run, firing: firing === 1 },
        ...(typeof origin === 'string' && { origin }),
        ...(clock && { clock: loadClock(clock) }),
      });
  }

  get size(): number {
    return this.#committed.size;
  }

  entries(): Iterable<readonly [string, Episode]> {
    return this.#committed;
  }

  draft(): EpisodeDraft {
    return new EpisodeDraft(this.#committed, this.#limit);
  }

  save(): SavedEpisode[] {
    return Array.from(this.#committed, ([subject, { since, run, firing, origin, clock }]): SavedEpisode => {
      const plain = [subject, `${since}`, run, firing ? 1 : 0] as const;
      if (clock) return [...plain, null, saveClock(clock)];
      return origin === undefined ? plain : [...plain, origin];
    });
  }
}

/** Changes of episodes that are not committed yet. */
export class EpisodeDraft {
  /** Subjects that found no room. */
  leftOut = 0;
  readonly #committed: Map<string, Episode>;
  readonly #changes = new Map<string, Episode | undefined>();
  readonly #limit: number;
  #added = 0;

  constructor(committed: Map<string, Episode>, limit: number) {
    this.#committed = committed;
    this.#limit = limit;
  }

  get(subject: string): Episode | undefined {
    return this.#changes.has(subject) ? this.#changes.get(subject) : this.#committed.get(subject);
  }

  set(subject: string, episode: Episode | undefined): void {
    const isNew = episode !== undefined && this.get(subject) === undefined;
    if (isNew && this.#committed.size + this.#added >= this.#limit) {
      this.leftOut += 1;
      return;
    }
    if (isNew) this.#added += 1;
    this.#changes.set(subject, episode);
  }

  /** All episodes as the draft has them. */
  *entries(): Generator<readonly [string, Episode]> {
    for (const entry of this.#committed) if (!this.#changes.has(entry[0])) yield entry;
    for (const [subject, episode] of this.#changes) if (episode !== undefined) yield [subject, episode];
  }

  commit(): void {
    for (const [subject, episode] of this.#changes) {
      if (episode === undefined) this.#committed.delete(subject);
      else this.#committed.set(subject, episode);
    }
  }
}
