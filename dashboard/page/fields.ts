import type { Snapshot } from '../events.ts';
import { make, need, resized, setAttribute, setProperty, setText } from './dom.ts';
import { percent, plural } from './format.ts';
import { barsOfMany, mostBars } from './sizes.ts';

/** How often the bars may change places. */
const rankEveryMs = 5_000;

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
  }

  update({ fields, gaps, at }: Snapshot): void {
    if (gaps.readings === 0) return;
    const isMany = fields.length > mostBars;
    if (this.#shown.length === 0 || (isMany && at - this.#rankedMs >= rankEveryMs)) {
      this.#shown = isMany ? most(gaps.byField, barsOfMany) : fields.map((_, index) => index);
      // The first look may rest on a handful of readings: look again soon.
      this.#rankedMs = gaps.readings < 200 ? at - rankEveryMs + 1_000 : at;
    }
    this.#drawBars(fields, gaps.byField);
    if (isMany) this.#drawMap(fields, gaps.byField);
    setText(
      this.#readout,
      isMany
        ? `Most gaps of ${plural(fields.length, 'field')}, last half minute`
        : 'Share of readings without it, last half minute',
    );
  }

  #drawBars(fields: readonly string[], shares: readonly number[]): void {
    const scale = scaleOf(shares);
    const bars = resized(this.#bars, this.#shown.length, makeBar);
    for (const [place, bar] of bars.entries()) {
      const field = this.#shown[place];
      const [name, track, number] = bar.children as unknown as HTMLElement[];
      setText(name, fields[field]);
      setAttribute(name, 'title', fields[field]);
      setProperty(track, '--part', String(Math.min(1, shares[field] / scale)));
      setText(number, percent(shares[field]));
    }
  }

  #drawMap(fields: readonly string[], shares: readonly number[]): void {
    const squares = resized(this.#map, fields.length, () => make('i'));
    const scale = scaleOf(shares);
    for (const [field, square] of squares.entries()) {
      setProperty(square, '--part', Math.min(1, shares[field] / scale).toFixed(2));
      setAttribute(square, 'title', `${fields[field]}: ${percent(shares[field])}`);
    }
    setAttribute(this.#map, 'role', 'img');
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
    .map((_, index) => index)
    .sort((a, b) => shares[b] - shares[a] || a - b)
    .slice(0, number);
}

/** A full bar: the next of a few round shares, so that bars do not breathe with the data. */
function scaleOf(shares: readonly number[]): number {
  const largest = Math.max(0, ...shares);
  return [0.25, 0.5, 1].find((scale) => largest <= scale) ?? 1;
}
