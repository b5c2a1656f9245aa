import type { Snapshot } from '../events.ts';
import { childrenOf, make, need, paired, setAttribute, setProperty, setText } from './dom.ts';
import { percent, plural } from './format.ts';
import { barsOfMany, mostBars } from './sizes.ts';

/** How often the bars may change places. */
const rankEveryMs = 5_000;

interface FieldShare {
  readonly name: string;
  /** The share of the readings without it. */
  readonly share: number;
}

/** Gaps by field: bars for the fields that matter, and a map of one square a field where there are more of them. */
export class Fields {
  readonly #readout = need('fields-readout');
  readonly #bars = need('fields-bars');
  readonly #map = need('field-map');
  #shown: readonly number[] = [];
  #rankedMs = Number.NEGATIVE_INFINITY;

  constructor() {
    // The server sends empty ones, which take the room.
    const room = this.#bars.children.length;
    this.#bars.replaceChildren(...Array.from({ length: room }, makeBar));
    // A keyboard scrolls only what has the focus.
    if (this.#map.dataset.scrolls === 'yes') setAttribute(this.#map, 'tabindex', '0');
  }

  update({ fields, gaps, at }: Snapshot): void {
    if (gaps.readings === 0) return;
    const isMany = fields.length > mostBars;
    if (this.#shown.length === 0 || (isMany && at - this.#rankedMs >= rankEveryMs)) {
      this.#shown = isMany ? most(gaps.byField, barsOfMany) : fields.map((_, index) => index);
      // The first look may rest on a handful of readings: look again soon.
      this.#rankedMs = gaps.readings < 200 ? at - rankEveryMs + 1_000 : at;
    }
    const shares = fields.map((name, index) => ({ name, share: gaps.byField[index]! }));
    const scale = scaleOf(gaps.byField);
    this.#drawBars(
      this.#shown.map((index) => shares[index]!),
      scale,
    );
    if (isMany) this.#drawMap(shares, scale);
    setText(
      this.#readout,
      isMany
        ? `Most gaps of ${plural(fields.length, 'field')}, last half minute`
        : 'Share of readings without it, last half minute',
    );
  }

  #drawBars(shown: readonly FieldShare[], scale: number): void {
    for (const { element, item } of paired(this.#bars, shown, makeBar)) {
      const [name, track, number] = childrenOf(element, 3);
      setText(name, item.name);
      setAttribute(name, 'title', item.name);
      setProperty(track, '--part', String(Math.min(1, item.share / scale)));
      setText(number, percent(item.share));
    }
  }

  #drawMap(fields: readonly FieldShare[], scale: number): void {
    for (const { element, item } of paired(this.#map, fields, () => make('i'))) {
      setProperty(element, '--part', Math.min(1, item.share / scale).toFixed(2));
      setAttribute(element, 'title', `${item.name}: ${percent(item.share)}`);
    }
    setAttribute(this.#map, 'role', 'img');
    const shares = fields.map(({ share }) => share);
    const few = Math.min(...shares);
    setAttribute(
      this.#map,
      'aria-label',
      `One square a field, darker with more gaps: from ${percent(few)} to ${percent(Math.max(...shares))}.`,
    );
  }
}

function makeBar(): HTMLElement {
  return make('li', {}, make('span', { class: 'name' }), make('span', { class: 'bar' }, make('i')), make('b'));
}

function most(shares: readonly number[], number: number): number[] {
  return shares
    .map((share, index) => ({ share, index }))
    .sort((a, b) => b.share - a.share || a.index - b.index)
    .slice(0, number)
    .map(({ index }) => index);
}

/** A full bar: the next of a few round shares, so that bars do not breathe with the data. */
function scaleOf(shares: readonly number[]): number {
  const largest = Math.max(0, ...shares);
  return [0.25, 0.5, 1].find((scale) => largest <= scale) ?? 1;
}
