import type { Snapshot } from '../events.ts';
import { childrenOf, make, need, paired, setAttribute, setProperty, setText } from './dom.ts';
import { count, percent, plural } from './format.ts';

const fieldsShown = 7;

/** How far the readings of late are from those that the model was trained on, by population stability index. */
export class DriftCard {
  readonly #readout = need('drift-readout');
  readonly #bars = need('drift');

  update({ drift }: Snapshot): void {
    setText(this.#readout, readoutOf(drift));
    setAttribute(this.#readout, 'title', this.#readout.textContent ?? '');
    const fields = drift?.fields.slice(0, fieldsShown) ?? [];
    const bars = paired(this.#bars, fields, () =>
      make('li', {}, make('span', { class: 'name' }), make('span', { class: 'bar' }, make('i')), make('b')),
    );
    if (!drift) return;
    const scale = Math.max(2 * drift.threshold, drift.psi);
    for (const { element, item } of bars) {
      const { name, psi, outside } = item;
      const [label, bar, number] = childrenOf(element, 3);
      setText(label, name);
      setProperty(bar, '--part', Math.min(1, psi / scale).toFixed(3));
      setProperty(bar, '--mark', (drift.threshold / scale).toFixed(3));
      setText(number, psi.toFixed(2));
      setAttribute(element, 'class', psi > drift.threshold ? 'drifted' : '');
      const verdict = psi > drift.threshold ? 'drifted' : 'as in training';
      setAttribute(
        element,
        'title',
        `${name}: ${verdict}; ${percent(outside)} of its values outside the range of training`,
      );
    }
  }
}

function readoutOf(drift: Snapshot['drift']): string {
  if (!drift) return 'The classifier has too few readings yet';
  const { drifted, outside, threshold } = drift;
  const how =
    drifted === 0 ? 'No field has drifted' : `${plural(drifted, 'field')} above the threshold of ${threshold}`;
  return `${how}; ${percent(outside)} of ${count(drift.readings)} readings outside the range of training`;
}
