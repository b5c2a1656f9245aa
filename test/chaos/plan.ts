import { KeyedRandom, permutation } from '../../core/numeric/random/keyed-random.ts';

/** A fault as the plan sees it. */
export interface Card {
  readonly name: string;
  /** Parts that no other fault may touch meanwhile. */
  readonly touches: readonly string[];
  /** About how long it takes until all is as it was. */
  readonly seconds: number;
}

/** A fault at its time. */
export interface Step {
  /** After the campaign's beginning. */
  readonly atSeconds: number;
  readonly name: string;
  /** Decides whatever the fault leaves to chance. */
  readonly seed: number;
}

export interface PlanOptions {
  readonly cards: readonly Card[];
  readonly seconds: number;
  readonly seed: number;
}

/** Faults under way at once, at most. */
const tracks = 2;
/** The line runs undisturbed for so long between two faults of a track. */
const pauseSeconds = { least: 1, most: 6 };

/**
 * Lays out faults over the time: every kind once in an order by the seed, then every kind again. Two run side by side where they touch
 * different parts.
 */
export function plan({ cards, seconds, seed }: PlanOptions): Step[] {
  const random = new KeyedRandom().at(seed, 0, 0);
  const steps: Step[] = [];
  const busy = Array.from({ length: tracks }, () => ({ until: 0, touches: [] as readonly string[] }));
  let deck: Card[] = [];
  const deal = (): Card[] => [...permutation(cards.length, random)].map((index) => cards[index]!);

  for (;;) {
    const track = busy.reduce((first, other) => (other.until < first.until ? other : first));
    const at = track.until + pauseSeconds.least + random.next() * (pauseSeconds.most - pauseSeconds.least);
    if (at >= seconds) return steps.sort((first, second) => first.atSeconds - second.atSeconds);
    if (deck.length === 0) deck = deal();
    const fits = (card: Card): boolean =>
      at + card.seconds <= seconds &&
      busy.every((other) => other === track || other.until <= at || !meet(other.touches, card.touches));
    const index = deck.findIndex(fits);
    if (index < 0) {
      // Nothing goes beside what the other track does, or nothing so short is left.
      const others = busy.filter((other) => other !== track).map(({ until }) => until);
      track.until = Math.max(at, ...others);
      track.touches = [];
      continue;
    }
    const [card] = deck.splice(index, 1);
    if (card === undefined) return steps;
    steps.push({ atSeconds: Math.round(at * 10) / 10, name: card.name, seed: Math.floor(random.next() * 2 ** 31) });
    Object.assign(track, { until: at + card.seconds, touches: card.touches });
  }
}

const meet = (left: readonly string[], right: readonly string[]): boolean => left.some((part) => right.includes(part));
