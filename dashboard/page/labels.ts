import { Chart } from './chart.ts';
import { childrenOf, make, need, paired, setProperty, setText } from './dom.ts';
import { clock, nothing, percent } from './format.ts';
import type { Layers, Palette } from './palette.ts';
import { stackedShares, totalsByClass } from './series.ts';
import type { State } from './state.ts';

/** Labels over time: the share of each class, stacked; with many classes the most frequent ones and all others together. */
export class Labels {
  readonly #state: State;
  readonly #layers: Layers;
  readonly #announce: (text: string) => void;
  readonly #root = need('labels-chart');
  readonly #legend = need('labels-legend');
  readonly #readout = need('labels-readout');
  #chart: Chart | undefined;
  #x: number[] = [];
  #stacked: (number | null)[][] = [];
  #pointedAt: number | null = null;

  constructor(state: State, layers: Layers, announce: (text: string) => void) {
    this.#state = state;
    this.#layers = layers;
    this.#announce = announce;
  }

  update(from: number, to: number): void {
    const { seconds, figures } = this.#state;
    const changed = this.#layers.update(figures?.classes.length ?? 0, totalsByClass(seconds));
    if (changed || !this.#chart) this.#rebuild();
    this.#x = Array.from({ length: to - from + 2 }, (_, index) => from - 1 + index);
    this.#stacked = stackedShares(seconds, this.#x, this.#layers.all);
    this.#chart?.draw([this.#x, ...this.#stacked], from, to);
    this.#chart?.describe(`Share of each label over time. ${this.#text()}. Arrow keys move through time.`);
    this.#write();
  }

  #rebuild(): void {
    this.#chart?.destroy();
    const colour = (layer: number) => (palette: Palette) => palette.classes[layer]!;
    this.#chart = new Chart({
      root: this.#root,
      lines: this.#layers.all.map((_, layer) => ({
        label: this.#name(layer),
        colour: ({ card }) => card,
        fill: colour(layer),
        width: 1,
      })),
      range: () => [0, 1],
      tick: (value) => `${Math.round(value * 100)}%`,
      pointed: (index) => {
        this.#pointedAt = index;
        this.#write();
      },
      announce: () => this.#announce(`${this.#readout.textContent} ${this.#text()}`),
    });
    const entries = paired(this.#legend, [...this.#layers.all.keys()], () =>
      make('li', {}, make('i', { class: 'swatch' }), make('span', { class: 'name' }), make('b')),
    );
    for (const { element, item: layer } of entries) {
      setProperty(element, '--colour', `var(--class-${layer})`);
      setText(childrenOf(element, 3)[1], this.#name(layer));
    }
  }

  #name(layer: number): string {
    const [first, ...others] = this.#layers.all[layer] ?? [];
    if (others.length > 0) return `${others.length + 1} others`;
    return first === undefined ? nothing : (this.#state.figures?.classes[first] ?? nothing);
  }

  #write(): void {
    const index = this.#index();
    setText(this.#readout, this.#pointedAt === null ? 'now' : clock((this.#x[index] ?? 0) * 1_000));
    for (const [layer, entry] of [...this.#legend.children].entries()) {
      const share = this.#share(layer, index);
      setText(childrenOf(entry, 3)[2], share === null ? nothing : percent(share));
    }
  }

  #index(): number {
    return this.#pointedAt === null ? this.#x.length - 1 : Math.min(this.#pointedAt, this.#x.length - 1);
  }

  #share(layer: number, index: number): number | null {
    const whole = this.#stacked[layer]?.[index] ?? null;
    return whole === null ? null : whole - (this.#stacked[layer + 1]?.[index] ?? 0);
  }

  #text(): string {
    const index = this.#index();
    return this.#layers.all
      .map((_, layer) => `${this.#name(layer)} ${percent(this.#share(layer, index) ?? 0)}`)
      .join(', ');
  }
}
