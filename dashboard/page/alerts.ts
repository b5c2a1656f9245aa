import type { AlertView } from '../events.ts';
import { childrenOf, makeRow, need, paired, setAttribute, setText } from './dom.ts';
import { clock, plural } from './format.ts';

/** The alerts that fire, and the last ones that were resolved. */
export class Alerts {
  readonly #list = need('alerts');
  readonly #readout = need('alerts-readout');

  update(alerts: readonly AlertView[]): void {
    const firing = alerts.filter(({ state }) => state === 'firing').length;
    setText(this.#readout, firing === 0 ? 'None fires now' : `${plural(firing, 'alert')} firing`);
    const items = paired(this.#list, alerts, () => makeRow('dot', 'muted', 'muted', 'name', 'muted'));
    for (const { element, item } of items) draw(element, item);
  }
}

function draw(element: HTMLElement, { state, at, rule, subject, text, deliveries }: AlertView): void {
  const [, stateCell, time, what, delivered] = childrenOf(element, 5);
  setAttribute(element, 'data-alert', state);
  setAttribute(element, 'title', text);
  setAttribute(stateCell, 'class', state === 'firing' ? 'trouble' : 'muted');
  setText(stateCell, state);
  // Nanoseconds: the last six digits are below a millisecond.
  setText(time, clock(Number(at.slice(0, -6))));
  setText(what, `${rule} · ${subject}`);
  setText(delivered, deliveriesText(deliveries));
}

function deliveriesText(deliveries: AlertView['deliveries']): string {
  const told = Object.entries(deliveries).map(([webhook, outcome]) => `${webhook} ${outcome}`);
  return told.length === 0 ? 'no webhook told yet' : told.join(' · ');
}
