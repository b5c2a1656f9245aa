import { sendControl } from './control.ts';
import { need, setText } from './dom.ts';

/** So long a choice may wait for its first label. Then the control shows the version that labels again. */
const waitMs = 5_000;

/** Lets the reader choose which version labels, and shows which one does. */
export class ModelChoice {
  readonly #inputs = [...need('model-choice').querySelectorAll('input')];
  readonly #note = need('model-choice-note');
  readonly #hint = this.#note.textContent ?? '';
  #chosenMs = Number.NEGATIVE_INFINITY;
  #chosen: number | undefined;

  constructor() {
    for (const input of this.#inputs) input.addEventListener('change', () => void this.#choose(Number(input.value)));
  }

  /** The version that labels, as the newest prediction has it. */
  update(version: number): void {
    if (version !== this.#chosen && performance.now() - this.#chosenMs < waitMs) return;
    this.#chosen = undefined;
    for (const input of this.#inputs) input.checked = Number(input.value) === version;
  }

  async #choose(version: number): Promise<void> {
    this.#chosen = version;
    this.#chosenMs = performance.now();
    const problem = await sendControl('model', { version });
    if (problem !== undefined) this.#chosenMs = Number.NEGATIVE_INFINITY;
    setText(this.#note, problem === undefined ? this.#hint : `Not taken: ${problem}`);
  }
}
