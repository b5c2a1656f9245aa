import type { Scores, Snapshot } from '../events.ts';
import { make, need, setAttribute, setProperty, setText } from './dom.ts';
import { ago, count, moment, percent } from './format.ts';

/** From so many classes on, cells are too small for numbers. */
const mostNumbered = 8;
/** The label of a reading that the model declined to guess. */
const declinedLabel = 'unknown';

interface Row {
  /** Class indices. */
  readonly truth: number;
  readonly cells: readonly { readonly label: number; readonly cell: HTMLElement }[];
  readonly element: HTMLElement;
}

/** The confusion matrix as a table: rows are truth, columns labels, a cell's shade its share of the row. */
export class Matrix {
  readonly #frame = need('matrix-frame');
  readonly #readout = need('matrix-readout');
  readonly #scores = need('matrix-scores');
  readonly #span = need('matrix-span');
  #last: Snapshot | undefined;
  #names: readonly string[] = [];
  #rows: readonly Row[] = [];

  constructor() {
    this.#span.addEventListener('change', () => this.#last && this.update(this.#last));
  }

  update(figures: Snapshot): void {
    this.#last = figures;
    const { classes, score } = figures;
    const isOverall = this.#span.querySelector<HTMLInputElement>('input:checked')?.value === 'overall';
    const shown = isOverall ? figures.overall : score;
    if (classes.length !== this.#names.length || classes.some((name, index) => name !== this.#names[index])) {
      this.#build(classes);
    }
    for (const { truth, cells, element } of this.#rows) {
      const counts = shown.matrix[truth] ?? [];
      const total = counts.reduce((sum, value) => sum + value, 0);
      // A label that the model declined to give is a column, and no truth.
      element.hidden = total === 0 && this.#names[truth] === declinedLabel;
      for (const { label, cell } of cells) {
        this.#fill(cell, truth, label, counts[label] ?? 0, total);
      }
    }
    const { since } = figures.overall;
    const sinceText = since === null ? '' : ` since ${moment(since, figures.at)}`;
    const span = isOverall ? sinceText : ` of the last ${ago(score.seconds * 1_000)}`;
    const over = `Rows truth, columns label; ${count(shown.labels)} labels${span}`;
    setText(this.#readout, shown.labels === 0 ? 'No truth is known yet' : over);
    setText(this.#scores, scoresText(shown));
  }

  #build(classes: readonly string[]): void {
    this.#names = [...classes];
    const order = [...classes.entries()].sort(([, one], [, other]) => naturally.compare(one, other));
    const names = order.map(([, name]) => name);
    const shortNames = withoutCommonStart(names);
    const head = make('tr', {}, make('td', { 'aria-hidden': 'true' }));
    for (const [index, name] of names.entries())
      head.append(make('th', { scope: 'col', title: name }, shortNames[index]!));
    const body = make('tbody');
    this.#rows = order.map(([truth, name], index) => {
      const row = make('tr', {}, make('th', { scope: 'row', title: name }, shortNames[index]!));
      const cells = order.map(([label]) => ({ label, cell: make('td') }));
      row.append(...cells.map(({ cell }) => cell));
      body.append(row);
      return { truth, cells, element: row };
    });
    const caption = make('caption', { class: 'unseen' }, 'Labels by truth: rows are the truth, columns the label.');
    const columns = make('colgroup', {}, make('col', { class: 'names' }), ...names.map(() => make('col')));
    const table = make('table', { class: 'matrix' }, caption, columns, make('thead', {}, head), body);
    table.classList.toggle('dense', names.length > mostNumbered);
    setProperty(this.#frame, '--classes', String(names.length));
    this.#frame.replaceChildren(...(names.length === 0 ? [] : [table]));
  }

  #fill(cell: HTMLElement, truth: number, label: number, value: number, total: number): void {
    const share = total === 0 ? 0 : value / total;
    const isNumbered = this.#names.length <= mostNumbered;
    setProperty(cell, '--part', share.toFixed(2));
    setAttribute(cell, 'class', `${truth === label ? 'right' : 'wrong'}${share > 0.5 ? ' strong' : ''}`);
    setText(cell, isNumbered || value > 0 ? count(value) : '');
    const text = `${this.#names[truth]} labelled ${this.#names[label]}: ${count(value)} (${percent(share)})`;
    setAttribute(cell, 'title', text);
  }
}

function scoresText({ accuracy, f1, microF1 }: Scores): string {
  if (accuracy === null || f1 === null || microF1 === null) return ' ';
  return `Accuracy ${percent(accuracy)}; F1 macro ${percent(f1)}, micro ${percent(microF1)}`;
}

/** What distinguishes names, where they all start with the same words: "type 1", "type 2" become "1", "2". */
export function withoutCommonStart(names: readonly string[]): string[] {
  const [first = ''] = names;
  let length = names.length < 2 ? 0 : first.length;
  while (length > 0 && !names.every((name) => name.length > length && name.startsWith(first.slice(0, length))))
    length -= 1;
  const words = first.slice(0, length).search(/[\s_.:/-][^\s_.:/-]*$/) + 1;
  return words < 4 ? [...names] : names.map((name) => name.slice(words));
}

const naturally = new Intl.Collator('en', { numeric: true });
