import type { RecentPrediction, Snapshot } from '../events.ts';
import { childrenOf, make, need, setProperty, setText } from './dom.ts';
import { clock, measured, nothing, percent, plural } from './format.ts';
import type { Layers } from './palette.ts';

const rows = 8;
/** Rows that changed faster than this could not be read. */
const everyMs = 1_000;
const columns = ['Time', 'Device', 'Label', 'Truth', 'Gaps', 'Values'];

/** The last predictions, filled values marked. Holds still while the reader points at it or is in it. */
export class RecentTable {
  readonly #table = need<HTMLTableElement>('recent');
  readonly #layers: Layers;
  readonly #rows: HTMLElement[];
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(layers: Layers) {
    this.#layers = layers;
    const head = make('tr', { role: 'row' });
    for (const name of columns)
      head.append(
        make('th', { role: 'columnheader', scope: 'col', class: name === 'Truth' ? 'truth-only' : '' }, name),
      );
    const body = make('tbody', { role: 'rowgroup' });
    this.#rows = Array.from({ length: rows }, () => {
      const cells = columns.map((name) =>
        make('td', { role: 'cell', class: name === 'Truth' ? 'truth truth-only' : name.toLowerCase() }),
      );
      const element = make('tr', { role: 'row' }, ...cells);
      body.append(element);
      return element;
    });
    // Explicit, because the narrow layout's display would take the table's roles away.
    this.#table.setAttribute('role', 'table');
    this.#table.append(make('thead', { role: 'rowgroup' }, head), body);
  }

  update({ recent, fields, classes, at }: Snapshot): void {
    if (at - this.#drawnMs < everyMs && at >= this.#drawnMs) return;
    if (this.#table.matches(':hover')) return;
    this.#drawnMs = at;
    for (const [place, row] of this.#rows.entries()) this.#draw(row, recent[place], fields, classes);
  }

  #draw(
    row: HTMLElement,
    prediction: RecentPrediction | undefined,
    fields: readonly string[],
    classes: readonly string[],
  ): void {
    row.classList.toggle('empty', !prediction);
    if (!prediction) return;
    const [time, device, label, truth, gaps, values] = childrenOf(row, 6);
    setText(time, clock(prediction.at));
    setText(device, prediction.device);
    device.title = prediction.device;
    const colour = this.#layers.colourOf(classes.indexOf(prediction.label));
    setProperty(label, '--colour', `var(--class-${colour})`);
    const name = make('span', { class: 'name', title: prediction.label }, prediction.label);
    const probability = make('span', { class: 'muted' }, percent(prediction.probability));
    label.replaceChildren(make('span', { class: 'named' }, make('i', { class: 'swatch' }), name, probability));
    truth.replaceChildren(...truthOf(prediction));
    if (prediction.isWindow) gaps.replaceChildren(`${plural(prediction.gaps, 'feature')} filled`);
    else gaps.replaceChildren(strip(prediction.gapsAt, fields.length), `${prediction.gaps} of ${fields.length}`);
    const chips = prediction.values.map((value) => chip(fields, value));
    values.replaceChildren(
      make('span', { class: 'chips' }, ...dependence(prediction), ...parting(prediction), ...chips),
    );
  }
}

function truthOf({ label, truth }: RecentPrediction): HTMLElement[] {
  if (truth === null) return [make('span', { class: 'muted' }, nothing)];
  const isRight = label === truth;
  return [
    make('span', { class: isRight ? 'tick' : 'cross', 'aria-hidden': 'true' }, isRight ? '✓' : '✗'),
    make('span', { class: isRight ? 'muted name' : 'name', title: truth }, isRight ? 'right' : truth),
  ];
}

/** Where in the reading the gaps were: one mark a field, drawn on a canvas. */
function strip(gapsAt: readonly number[], fieldCount: number): HTMLElement {
  const canvas = make('canvas', { class: 'strip', 'aria-hidden': 'true', width: '192', height: '24' });
  const context = canvas.getContext('2d');
  if (!context) return canvas;
  const style = getComputedStyle(document.documentElement);
  const width = canvas.width / Math.max(1, fieldCount);
  const space = width > 6 ? 2 : 0;
  context.fillStyle = style.getPropertyValue('--line');
  context.fillRect(0, canvas.height / 2 - 1, canvas.width, 2);
  context.fillStyle = style.getPropertyValue('--gap');
  for (const field of gapsAt)
    context.fillRect(field * width + space / 2, 2, Math.max(1.5, width - space), canvas.height - 4);
  return canvas;
}

/** How much of the label rests on what was filled, where the model knows. */
function dependence({ sensitivity, gaps }: RecentPrediction): HTMLElement[] {
  if (sensitivity === null || gaps === 0) return [];
  return [make('span', { class: 'chip' }, 'rests on gaps ', make('b', {}, percent(sensitivity)))];
}

/** How far the models of an ensemble part. */
const parting = ({ spread }: RecentPrediction): HTMLElement[] =>
  spread === null ? [] : [make('span', { class: 'chip' }, 'spread ', make('b', {}, percent(spread)))];

function chip(fields: readonly string[], [field, value, filled]: RecentPrediction['values'][number]): HTMLElement {
  const number = make('b', {}, measured(value));
  const name = typeof field === 'string' ? field : fields[field];
  if (!filled) return make('span', { class: 'chip' }, `${name} `, number);
  const mark = make('span', { class: 'gap-ink', 'aria-hidden': 'true' }, '≈');
  return make('span', { class: 'chip filled' }, `${name} `, make('span', { class: 'unseen' }, 'filled '), mark, number);
}
