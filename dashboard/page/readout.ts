import { make, setProperty, setText } from './dom.ts';

export interface Key {
  readonly name: string;
  /** A class of parts.css that draws the line or area beside the name. */
  readonly swatch: string;
  /** Room for the value, in characters: what follows must not move when it changes. */
  readonly characters: number;
}

/** The line above a chart: its legend, with the values of the moment pointed at, or of now. */
export class Readout {
  readonly #when = make('span', { class: 'when' });
  readonly #values: HTMLElement[] = [];
  readonly #root: HTMLElement;

  constructor(root: HTMLElement, keys: readonly Key[]) {
    this.#root = root;
    root.replaceChildren(this.#when);
    for (const { name, swatch, characters } of keys) {
      const value = make('b');
      setProperty(value, '--characters', String(characters));
      this.#values.push(value);
      root.append(make('span', { class: 'key' }, make('i', { class: `swatch ${swatch}` }), `${name} `, value));
    }
  }

  get text(): string {
    return [...this.#root.children].map((part) => part.textContent).join(', ');
  }

  show(when: string, values: readonly string[]): void {
    setText(this.#when, when);
    for (const [index, value] of values.entries()) setText(this.#values[index]!, value);
  }
}
