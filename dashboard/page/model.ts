import type { DuelFigures, Snapshot, Standing } from '../events.ts';
import { make, need, resized, setAttribute, setText } from './dom.ts';
import { clock, count, durationText, nothing, percent } from './format.ts';

const eventsShown = 3;

interface Measure {
  readonly name: string;
  readonly of: (standing: Standing) => number | null;
  readonly write: (value: number) => string;
  readonly isLessBetter?: boolean;
}

const measures: readonly Measure[] = [
  { name: 'Accuracy', of: ({ accuracy }) => accuracy, write: percent },
  { name: 'Macro F1', of: ({ f1 }) => f1, write: percent },
  { name: 'Calibration error', of: ({ calibrationError }) => calibrationError, write: percent, isLessBetter: true },
  { name: 'Median latency', of: ({ p50Ms }) => p50Ms, write: durationText, isLessBetter: true },
  { name: '99th percentile', of: ({ p99Ms }) => p99Ms, write: durationText, isLessBetter: true },
];

/** The model that labels, the one that would like to, and what happened to them. */
export class ModelCard {
  readonly #readout = need('model-readout');
  readonly #duel = need('duel');
  readonly #events = need('model-events');
  readonly #cells: HTMLElement[][];
  readonly #heads: HTMLElement[];

  constructor() {
    this.#heads = ['Champion', 'Challenger'].map((name) => make('th', { scope: 'col' }, name));
    const body = make('tbody');
    this.#cells = measures.map(({ name }) => {
      const cells = [make('td'), make('td')];
      body.append(make('tr', {}, make('th', { scope: 'row' }, name), ...cells));
      return cells;
    });
    const caption = make('caption', { class: 'unseen' }, 'Champion and challenger over the same readings');
    this.#duel.append(caption, make('thead', {}, make('tr', {}, make('td'), ...this.#heads)), body);
  }

  update(figures: Snapshot): void {
    setText(this.#readout, readoutOf(figures));
    this.#duel.hidden = figures.duel === null;
    if (figures.duel) this.#drawDuel(figures.duel);
    this.#drawEvents(figures);
  }

  #drawDuel({ champion, challenger }: DuelFigures): void {
    setText(this.#heads[0], `Champion, version ${champion.version}`);
    setText(this.#heads[1], `Challenger, version ${challenger.version}`);
    for (const [row, { of, write, isLessBetter }] of measures.entries()) {
      const values = [of(champion), of(challenger)];
      const better = betterOf(values, isLessBetter ?? false);
      for (const [column, value] of values.entries()) {
        setText(this.#cells[row][column], value === null ? nothing : write(value));
        setAttribute(this.#cells[row][column], 'class', column === better ? 'better' : '');
      }
    }
  }

  #drawEvents({ model, stages }: Snapshot): void {
    const trouble = stages.find(({ stage, lastError }) => stage === 'classifier' && lastError)?.lastError;
    const events = [
      ...(model?.swaps ?? []).map(({ at, version }) => ({
        at,
        text: `Version ${version} took over`,
        isTrouble: false,
      })),
      ...(trouble ? [{ at: Date.parse(trouble.at), text: trouble.message, isTrouble: true }] : []),
    ]
      .sort((a, b) => b.at - a.at)
      .slice(0, eventsShown);
    const items = resized(this.#events, events.length, () =>
      make('li', {}, make('span', { class: 'muted' }), make('span')),
    );
    for (const [place, { at, text, isTrouble }] of events.entries()) {
      setText(items[place].children[0], clock(at));
      setText(items[place].children[1], text);
      setAttribute(items[place].children[1], 'class', isTrouble ? 'trouble' : '');
      setAttribute(items[place], 'title', text);
    }
  }
}

function readoutOf({ model, duel }: Snapshot): string {
  if (!model) return 'No label has come yet';
  const label = `${model.name} version ${model.version} labels`;
  if (duel) {
    return `The same label for ${percent(duel.agreed / duel.readings)} of ${count(duel.readings)} readings that both labelled`;
  }
  if (model.challenger !== null) return `${label}; version ${model.challenger} is its challenger`;
  return `${label}; it has no challenger`;
}

/** Which of two values is better; undefined where they are alike or one is missing. */
function betterOf([one, other]: readonly (number | null)[], isLessBetter: boolean): number | undefined {
  if (one === null || other === null || one === other) return undefined;
  return one < other === isLessBetter ? 0 : 1;
}
