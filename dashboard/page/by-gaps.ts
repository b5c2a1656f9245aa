import type { GapBin, Snapshot } from '../events.ts';
import { childrenOf, make, need, paired, setAttribute, setProperty, setText } from './dom.ts';
import { count, percent } from './format.ts';

/** A share of fewer labels than this means little, and is drawn faintly. */
const fewLabels = 30;

/** How often labels are right, by how many values were missing. */
export class ByGaps {
  readonly #list = need('by-gaps');
  readonly #readout = need('by-gaps-readout');

  update({ byGaps }: Snapshot): void {
    const columns = paired(this.#list, byGaps.bins, () =>
      make(
        'li',
        {},
        make('b', { 'aria-hidden': 'true' }),
        make('span', { class: 'column' }),
        make('span', { class: 'up-to', 'aria-hidden': 'true' }),
        make('span', { class: 'unseen' }),
      ),
    );
    for (const { element, item } of columns) draw(element, item);
    const each = byGaps.bins.every(({ from, to }) => from === to);
    const what = byGaps.of === 'window' ? 'empty features of a window' : 'gaps in a reading';
    setText(
      this.#readout,
      `${each ? what[0]?.toUpperCase() + what.slice(1) : `Up to so many ${what}`}, last ten minutes`,
    );
  }
}

function draw(column: HTMLElement, bin: GapBin): void {
  const { to, scored, right } = bin;
  const share = scored === 0 ? 0 : right / scored;
  setAttribute(column, 'data-known', scored === 0 ? 'no' : scored < fewLabels ? 'few' : 'yes');
  const [number, , upTo, text] = childrenOf(column, 4);
  setText(number, scored === 0 ? '' : `${Math.round(share * 100)}`);
  setProperty(column, '--part', share.toFixed(3));
  setText(upTo, count(to));
  const description = `${rangeOf(bin)}: ${percent(share)} of ${count(scored)} right`;
  setText(text, description);
  setAttribute(column, 'title', description);
}

const rangeOf = ({ from, to }: GapBin) => (from === to ? `${count(to)} gaps` : `${count(from)} to ${count(to)} gaps`);
