import { within } from './within.ts';

/** A process has 20 s to end before it is killed. */
const stepSeconds = 45;

/** What has been started and must be undone, in the order in which it was started. */
export class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];
  readonly #tell: (line: string) => void;
  #isOver = false;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** Where everything was undone already, as after a start that took too long, this is undone at once. */
  add(step: () => Promise<unknown>): void {
    if (this.#isOver) void this.#undo(step);
    else this.#steps.push(step);
  }

  /** Undoes the last thing first; what fails or takes too long is told, and the rest undone all the same. Safe to call twice. */
  async all(): Promise<void> {
    this.#isOver = true;
    for (const step of this.#steps.splice(0).reverse()) await this.#undo(step);
  }

  /** Undoes everything side by side, where nothing rests on another. */
  async atOnce(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#steps.splice(0).map((step) => this.#undo(step)));
  }

  async #undo(step: () => Promise<unknown>): Promise<void> {
    await within(stepSeconds, 'a part to stop', step()).catch((error: Error) =>
      this.#tell(`stopping: ${error.message}`),
    );
  }
}
