import type { Snapshot, VersionView } from '../events.ts';
import { childrenOf, make, need, paired, setAttribute, setProperty, setText } from './dom.ts';
import { count, percent } from './format.ts';

/** A version that could not be read is asked for again after this long. */
const againMs = 10_000;

/** The two models that label the same readings: how often they agree, and the fields that each leans on most. */
export class DuelCard {
  readonly #agreement = need('agreement');
  readonly #champion = new ImportantFields('champion');
  readonly #challenger = new ImportantFields('challenger');

  update({ duel, at }: Snapshot): void {
    if (!duel) return;
    const { readings, agreed, champion, challenger } = duel;
    const spreads = [champion, challenger].flatMap(({ version, spread }) =>
      spread === null ? [] : [`; spread of version ${version} ${percent(spread)}`],
    );
    const agreement = `The same label for ${percent(agreed / readings)} of ${count(readings)} readings`;
    setText(this.#agreement, `${agreement}${spreads.join('')}`);
    this.#champion.show(champion.version, at);
    this.#challenger.show(challenger.version, at);
  }
}

/** The most important fields of the version in one role. */
class ImportantFields {
  readonly #title: HTMLElement;
  readonly #readout: HTMLElement;
  readonly #list: HTMLElement;
  readonly #role: string;
  #version: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isKnown = false;

  constructor(role: 'champion' | 'challenger') {
    this.#title = need(`${role}-fields-title`);
    this.#readout = need(`${role}-fields-readout`);
    this.#list = need(`${role}-fields`);
    this.#role = role === 'champion' ? 'Champion' : 'Challenger';
  }

  show(version: number, atMs: number): void {
    if (version === this.#version && (this.#isKnown || atMs - this.#askedMs < againMs)) return;
    if (version !== this.#version) {
      this.#isKnown = false;
      setText(this.#title, `${this.#role}, version ${version}`);
      this.#draw(undefined);
    }
    this.#version = version;
    this.#askedMs = atMs;
    void this.#ask(version);
  }

  async #ask(version: number): Promise<void> {
    try {
      const response = await fetch(`/model?version=${version}`);
      if (!response.ok || version !== this.#version) return;
      const view = (await response.json()) as VersionView;
      if (version !== this.#version) return;
      this.#isKnown = view.estimator !== null;
      this.#draw(view);
    } catch {
      // The page has lost Gapline, and says so.
    }
  }

  #draw(view: VersionView | undefined): void {
    setText(this.#readout, readoutOf(view));
    const fields = view?.importance ?? [];
    const largest = fields[0]?.share ?? 1;
    const bars = paired(this.#list, fields, () =>
      make('li', {}, make('span', { class: 'name' }), make('span', { class: 'bar' }, make('i')), make('b')),
    );
    for (const { element, item } of bars) {
      const [name, bar, share] = childrenOf(element, 3);
      setText(name, item.name);
      setProperty(bar, '--part', (item.share / largest).toFixed(3));
      setText(share, percent(item.share));
      setAttribute(element, 'title', `${item.name}: ${percent(item.share)} of what its splits gain`);
    }
  }
}

function readoutOf(view: VersionView | undefined): string {
  if (!view?.estimator) return 'What it leans on is not known yet';
  if (!view.importance) return `${view.estimator}: its kind does not tell what it leans on`;
  return `${view.estimator}; its most important fields`;
}
