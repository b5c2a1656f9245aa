import type { Snapshot } from '../events.ts';
import { make, need, setAttribute, setText } from './dom.ts';
import { count, duration, durationText, nothing, percent, plural, rate } from './format.ts';
import { wilson } from './series.ts';

/** The row of large figures, and the model's name. */
export class Headline {
  readonly #rate = new Figure('readings-rate', 'readings-note');
  readonly #gaps = new Figure('gap-share', 'gap-note');
  readonly #accuracy = new Figure('accuracy', 'accuracy-note');
  readonly #f1 = new Figure('f1', 'f1-note');
  readonly #latency = new Figure('latency', 'latency-note');
  readonly #lag = new Figure('lag', 'lag-note');
  readonly #model = need('model');

  update(figures: Snapshot): void {
    const { rates, gaps, score, latency, model, fields } = figures;
    this.#rate.show(rate(rates.readings), '', `${rate(rates.labels)} labels`);
    const missing =
      gaps.share === null ? '' : `${(gaps.share * fields.length).toFixed(1)} of ${plural(fields.length, 'value')}`;
    this.#gaps.show(...percentParts(gaps.share), missing);
    this.#accuracy.show(...percentParts(score.accuracy), marginOf(figures));
    const classes = score.matrix.filter(
      (row, index) => row.some((value) => value > 0) || hasColumn(score.matrix, index),
    ).length;
    this.#f1.show(
      ...percentParts(score.f1),
      score.f1 === null ? '' : `mean over ${classes} ${classes === 1 ? 'class' : 'classes'}`,
    );
    const p50 = latency ? duration(latency.p50Ms) : { value: nothing, unit: '' };
    this.#latency.show(p50.value, p50.unit, latency ? `p99 ${durationText(latency.p99Ms)}` : '');
    this.#showLag(figures);
    setText(this.#model, model ? `${model.name} version ${model.version}` : 'no model yet');
  }

  #showLag({ stages }: Snapshot): void {
    const lagOf = (name: string) => {
      const lags = stages.filter(({ stage, lag }) => stage === name && lag !== null).map(({ lag }) => lag as number);
      return lags.length === 0 ? undefined : Math.max(...lags);
    };
    const classifier = lagOf('classifier');
    const archive = lagOf('archive');
    const note = archive === undefined ? 'to label' : `to label; archive ${count(archive)}`;
    this.#lag.show(classifier === undefined ? nothing : count(classifier), '', classifier === undefined ? '' : note);
  }
}

/** A large number with its unit and a note below. The unit is drawn by the style sheet, so that it is no box that moves. */
class Figure {
  readonly #number = make('span', { class: 'number' });
  readonly #note: HTMLElement;

  constructor(id: string, noteId: string) {
    need(id).replaceChildren(this.#number);
    this.#note = need(noteId);
  }

  show(number: string, unit: string, note: string): void {
    setText(this.#number, number);
    setAttribute(this.#number, 'data-unit', unit);
    setText(this.#note, note === '' ? ' ' : note);
  }
}

const percentParts = (share: number | null): [string, string] =>
  share === null ? [nothing, ''] : [percent(share).slice(0, -1), '%'];

/** Half the width of the 95 % interval, in points. */
function marginOf({ score }: Snapshot): string {
  if (score.accuracy === null) return '';
  const { low, high } = wilson(score.accuracy * score.labels, score.labels);
  return `± ${(50 * (high - low)).toFixed(1)} over ${plural(score.labels, 'label')}`;
}

const hasColumn = (matrix: Snapshot['score']['matrix'], column: number) => matrix.some((row) => row[column] > 0);
