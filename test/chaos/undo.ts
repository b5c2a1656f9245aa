/** What has been started and must be undone, in the order in which it was started. */
export class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];
  readonly #tell: (line: string) => void;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Undoes the last thing first; what fails is told, and the rest undone all the same. Safe to call twice. */
  async all(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      await step().catch((error: Error) => this.#tell(`stopping: ${error.message}`));
    }
  }
}
