import type { DuelFigures, Snapshot, Standing } from '../events.ts';
import { childrenOf, make, need, paired, setAttribute, setText } from './dom.ts';
import { clock, count, durationText, nothing, percent } from './format.ts';

const eventsShown = 3;

interface Measure {
  readonly name: string;
  readonly of: (standing: Standing) => number | null;
  readonly write: (value: number) => string;
  readonly isLessBetter?: boolean;
  /** Neither more nor less of it is better. */
  readonly isNeutral?: boolean;
}

const measures: readonly Measure[] = [
  { name: 'Accuracy', of: ({ accuracy }) => accuracy, write: percent },
  { name: 'Macro F1', of: ({ f1 }) => f1, write: percent },
  { name: 'Calibration error', of: ({ calibrationError }) => calibrationError, write: percent, isLessBetter: true },
  { name: 'Spread', of: ({ spread }) => spread, write: percent, isNeutral: true },
  { name: 'Median latency', of: ({ p50Ms }) => p50Ms, write: durationText, isLessBetter: true },
  { name: '99th percentile', of: ({ p99Ms }) => p99Ms, write: durationText, isLessBetter: true },
];

/** The model that labels, the one that would like to, and what happened to them. */
export class ModelCard {
  readonly #readout = need('model-readout');
  readonly #duel = need('duel');
  readonly #events = need('model-events');
  readonly #rows: { readonly measure: Measure; readonly champion: HTMLElement; readonly challenger: HTMLElement }[];
  readonly #championHead = make('th', { scope: 'col' }, 'Champion');
  readonly #challengerHead = make('th', { scope: 'col' }, 'Challenger');

  constructor() {
    const body = make('tbody');
    this.#rows = measures.map((measure) => {
      const [champion, challenger] = [make('td'), make('td')];
      body.append(make('tr', {}, make('th', { scope: 'row' }, measure.name), champion, challenger));
      return { measure, champion, challenger };
    });
    const caption = make('caption', { class: 'unseen' }, 'Champion and challenger over the same readings');
    this.#duel.append(
      caption,
      make('thead', {}, make('tr', {}, make('td'), this.#championHead, this.#challengerHead)),
      body,
    );
  }

  update(figures: Snapshot): void {
    setText(this.#readout, readoutOf(figures));
    this.#duel.hidden = figures.duel === null;
    if (figures.duel) this.#drawDuel(figures.duel);
    this.#drawEvents(figures);
  }

  #drawDuel({ champion, challenger }: DuelFigures): void {
    setText(this.#championHead, `Champion, version ${champion.version}`);
    setText(this.#challengerHead, `Challenger, version ${challenger.version}`);
    for (const { measure, ...cells } of this.#rows) {
      const [one, other] = [measure.of(champion), measure.of(challenger)];
      const draw = (cell: HTMLElement, value: number | null, against: number | null) => {
        setText(cell, value === null ? nothing : measure.write(value));
        setAttribute(cell, 'class', isBetter(value, against, measure) ? 'better' : '');
      };
      draw(cells.champion, one, other);
      draw(cells.challenger, other, one);
    }
  }

  #drawEvents({ model, stages }: Snapshot): void {
    const trouble = stages.find(({ stage, lastError }) => stage === 'classifier' && lastError)?.lastError;
    const events = [
      ...(model ? changesOf(model) : []).map((change) => ({ ...change, isTrouble: false })),
      ...(trouble ? [{ at: Date.parse(trouble.at), text: trouble.message, isTrouble: true, isSeen: false }] : []),
    ]
      .sort((a, b) => b.at - a.at)
      .slice(0, eventsShown);
    const items = paired(this.#events, events, () => make('li', {}, make('span', { class: 'muted' }), make('span')));
    for (const { element, item } of items) {
      const [time, text] = childrenOf(element, 2);
      setText(time, item.isSeen ? `seen at ${clock(item.at)}` : clock(item.at));
      setText(text, item.text);
      setAttribute(text, 'class', item.isTrouble ? 'trouble' : '');
      setAttribute(element, 'title', item.text);
    }
  }
}

/** A promotion takes effect within this time: the change of the labels that it made is not told once more. */
const togetherMs = 60_000;

/** Who let which version serve, and where nobody wrote that down, which version labelled from when on. */
function changesOf({ promotions, swaps }: NonNullable<Snapshot['model']>) {
  const told = promotions.map(({ at, to, text, seen = false }) => ({
    at: Date.parse(at),
    version: to,
    text: `${text.charAt(0).toUpperCase()}${text.slice(1)}`,
    isSeen: seen,
  }));
  const isTold = (swap: { at: number; version: number }) =>
    told.some(({ at, version }) => version === swap.version && Math.abs(swap.at - at) <= togetherMs);
  const others = swaps
    .filter((swap) => !isTold(swap))
    .map(({ at, version }) => ({ at, version, text: `Version ${version} took over`, isSeen: false }));
  return [...told, ...others];
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

/** Whether a value is the better one of two; neither is where they are alike or one is missing. */
function isBetter(value: number | null, against: number | null, { isLessBetter, isNeutral }: Measure): boolean {
  if (isNeutral || value === null || against === null) return false;
  return isLessBetter ? value < against : value > against;
}
