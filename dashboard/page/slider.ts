import { sendControl } from './control.ts';
import { need, setProperty, setText } from './dom.ts';

/** While the reader moves the slider, and for so long after, it does not follow the server. */
const ownMs = 1_500;
/** At most one request at a time, and no more than one in so long; the newest wish wins. */
const betweenMs = 120;

/** The gap slider: it shows the gap rate that was set, or that is just being set. */
export class Slider {
  readonly #input = need<HTMLInputElement>('gap-rate');
  readonly #output = need('gap-rate-output');
  readonly #note = need('gap-rate-note');
  readonly #hint = this.#note.textContent ?? '';
  #movedMs = Number.NEGATIVE_INFINITY;
  #wish: number | undefined;
  #isSending = false;

  constructor() {
    this.#input.addEventListener('input', () => {
      this.#movedMs = performance.now();
      this.#show();
      this.#wish = Number(this.#input.value) / 100;
      void this.#send();
    });
    this.#show();
  }

  /** The gap rate of the generator, as the server reports it. */
  update(gapRate: number): void {
    if (this.#isSending || performance.now() - this.#movedMs < ownMs) return;
    const value = String(Math.round(gapRate * 100));
    if (this.#input.value === value) return;
    this.#input.value = value;
    this.#show();
  }

  #show(): void {
    const value = this.#input.value;
    setText(this.#output, `${value}%`);
    this.#input.setAttribute('aria-valuetext', `${value} percent of values left out`);
    setProperty(this.#input, '--part', `${Number(value) / Number(this.#input.max)}`);
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#wish !== undefined) {
      const gapRate = this.#wish;
      this.#wish = undefined;
      const problem = await sendControl('gap-rate', { gapRate });
      setText(this.#note, problem === undefined ? this.#hint : `Not taken: ${problem}`);
      await new Promise((resolve) => setTimeout(resolve, betweenMs));
    }
    this.#isSending = false;
  }
}
