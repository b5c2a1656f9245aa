import type { Snapshot } from '../events.ts';
import { need, setText } from './dom.ts';
import { count, durationText, nothing, percent, plural, rate } from './format.ts';
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
    this.#rate.show(rate(rates.readings), `${rate(rates.labels)} labels`);
    const missing =
      gaps.share === null ? '' : `${(gaps.share * fields.length).toFixed(1)} of ${plural(fields.length, 'value')}`;
    this.#gaps.show(shareText(gaps.share), missing);
    this.#accuracy.show(shareText(score.accuracy), marginOf(figures));
    const classes = `${score.f1Classes} ${score.f1Classes === 1 ? 'class' : 'classes'}`;
    this.#f1.show(shareText(score.f1), score.f1 === null ? '' : `mean over ${classes}`);
    this.#latency.show(
      latency ? durationText(latency.p50Ms) : nothing,
      latency ? `p99 ${durationText(latency.p99Ms)}` : '',
    );
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
    this.#lag.show(classifier === undefined ? nothing : count(classifier), classifier === undefined ? '' : note);
  }
}

/** A large number with a note below. One text, so that nothing moves when a digit comes. */
class Figure {
  readonly #number: HTMLElement;
  readonly #note: HTMLElement;

  constructor(id: string, noteId: string) {
    this.#number = need(id);
    this.#note = need(noteId);
  }

  show(number: string, note: string): void {
    setText(this.#number, number);
    setText(this.#note, note === '' ? ' ' : note);
  }
}

const shareText = (share: number | null) => (share === null ? nothing : percent(share));

/** Half the width of the 95 % interval, in points. */
function marginOf({ score }: Snapshot): string {
  if (score.accuracy === null) return '';
  const { low, high } = wilson(score.accuracy * score.labels, score.labels);
  return `± ${(50 * (high - low)).toFixed(1)} over ${plural(score.labels, 'label')}`;
}
