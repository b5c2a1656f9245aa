/** Colours live in tokens.css, so that light and dark are one place; what is drawn on a canvas reads them here. */
const names = ['ink', 'muted', 'line', 'grid', 'card', 'accent', 'gap', 'bad'] as const;
type Name = (typeof names)[number];

/** How many classes have a colour of their own; the others share the last one. */
export const classColours = 8;

export interface Palette extends Readonly<Record<Name, string>> {
  readonly classes: readonly string[];
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const colours = Object.fromEntries(names.map((name) => [name, read(name)])) as Record<Name, string>;
  return { ...colours, classes: Array.from({ length: classColours }, (_, index) => read(`class-${index}`)) };
}

/** A colour with less opacity: `alpha` from 0 to 1. */
export function faded(colour: string, alpha: number): string {
  return `color-mix(in srgb, ${colour} ${Math.round(alpha * 100)}%, transparent)`;
}

const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** Calls back whenever the scheme changes between light and dark. */
export function onSchemeChange(changed: () => void): void {
  dark.addEventListener('change', changed);
}

/** Which classes are drawn each by itself, and which together. Decided once there is enough to go by, so that colours stay. */
export class Layers {
  #layers: readonly (readonly number[])[] = [];
  #classCount = 0;
  #isSettled = false;

  /** Class indices by layer. */
  get all(): readonly (readonly number[])[] {
    return this.#layers;
  }

  /** True if the layers changed. `totals` are labels seen so far by class index. */
  update(classCount: number, totals: readonly number[]): boolean {
    if (this.#isSettled && classCount === this.#classCount) return false;
    if (classCount <= classColours) {
      if (classCount === this.#classCount) return false;
      this.#classCount = classCount;
      this.#layers = Array.from({ length: classCount }, (_, index) => [index]);
      return true;
    }
    const seen = totals.reduce((sum, total) => sum + total, 0);
    if (classCount === this.#classCount && seen < 10 * classCount) return false;
    this.#isSettled = seen >= 10 * classCount;
    this.#classCount = classCount;
    const byTotal = Array.from({ length: classCount }, (_, index) => index).sort(
      (a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b,
    );
    const own = byTotal.slice(0, classColours - 1).sort((a, b) => a - b);
    const rest = byTotal.slice(classColours - 1).sort((a, b) => a - b);
    this.#layers = [...own.map((index) => [index]), rest];
    return true;
  }

  /** The colour's number of a class index. */
  colourOf(index: number): number {
    const layer = this.#layers.findIndex((indices) => indices.includes(index));
    return layer < 0 ? classColours - 1 : layer;
  }
}
