import { printable } from '../core/wire/printable.ts';

const barWidth = 24;
const plainEveryMs = 2_000;

/** Shows how far long work is: a bar that is redrawn on a terminal, a plain line now and then in a pipe. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #lastPlainMs = 0;
  #drawn = false;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
  }

  /** @param share - how much is done, 0 to 1 */
  show(what: string, share: number, state: string): void {
    const [title, detail] = [printable(what), printable(state)];
    if (this.#out.isTTY) {
      const filled = Math.round(Math.min(share, 1) * barWidth);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
      this.#out.write(`\r\x1b[2K${title} ${bar} ${detail}`);
      this.#drawn = true;
      return;
    }
    const now = Date.now();
    if (share < 1 && now - this.#lastPlainMs < plainEveryMs) return;
    this.#lastPlainMs = now;
    this.#out.write(`${title} ${Math.floor(share * 100)} % ${detail}\n`);
  }

  /** Takes the bar off the terminal, where a line of something else comes in its place. */
  clear(): void {
    if (this.#drawn) this.#out.write('\r\x1b[2K');
    this.#drawn = false;
  }

  /** Leaves the terminal on a fresh line. */
  end(): void {
    if (this.#drawn) this.#out.write('\n');
    this.#drawn = false;
  }
}
