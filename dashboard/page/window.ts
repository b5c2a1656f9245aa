import type { Snapshot, WindowDevices, WindowView } from '../events.ts';
import { Chart } from './chart.ts';
import { make, need, setText } from './dom.ts';
import { clock, count, measured, nothing, percent } from './format.ts';

/** Windows that changed faster than this could not be looked at. */
const everyMs = 1_000;
/** Powers smaller than this share of the largest are noise of the arithmetic. */
const leastPower = 1e-7;

/** The last window of a device that the reader chooses: the wave with its gaps and its label, and the spectrum. */
export class WindowCard {
  readonly #device = need<HTMLSelectElement>('window-device');
  readonly #field = need<HTMLSelectElement>('window-field');
  readonly #readout = need('window-readout');
  readonly #wave: Chart;
  readonly #spectrum: Chart;
  #view: WindowView | undefined;
  /** The wave and the shapelet over it, on one axis. */
  #curves: Curves = noCurves;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;

  constructor(announce: (text: string) => void) {
    const pointAt = (id: string, textAt: (index: number | null) => string) => {
      const readout = need(id);
      return {
        pointed: (index: number | null) => setText(readout, textAt(index)),
        announce: () => announce(readout.textContent),
      };
    };
    this.#wave = new Chart({
      root: need('wave-chart'),
      lines: [
        { label: 'value', colour: ({ accent }) => accent, width: 1.25 },
        { label: 'shapelet', colour: ({ ink }) => ink, width: 3 },
      ],
      range: padded,
      tick: measured,
      across: { group: 'wave', tick: (ms) => `${measured(ms)} ms` },
      shades: () => this.#view?.gaps ?? [],
      caption: () => this.#label(),
      ...pointAt('wave-readout', (index) => this.#waveText(index)),
    });
    this.#spectrum = new Chart({
      root: need('spectrum-chart'),
      lines: [{ label: 'power', colour: ({ accent }) => accent, width: 1.25 }],
      logarithmic: true,
      range: decadesOf,
      tick: (value) => value.toExponential(0),
      across: { group: 'spectrum', tick: (hertz) => `${measured(hertz)} Hz` },
      ...pointAt('spectrum-readout', (index) => this.#spectrumText(index)),
    });
    for (const select of [this.#device, this.#field]) select.addEventListener('change', () => this.#choose());
  }

  update({ at }: Snapshot, { names, fields }: WindowDevices): void {
    fillSelect(this.#device, names);
    fillSelect(this.#field, fields);
    if (at - this.#askedMs < everyMs && at >= this.#askedMs) return;
    this.#askedMs = at;
    void this.#ask();
  }

  /** Another device or field: what is shown is not of it. */
  #choose(): void {
    this.#view = undefined;
    this.#draw();
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const { value: device } = this.#device;
    const { value: field } = this.#field;
    if (this.#isAsking || device === '' || field === '') return;
    this.#isAsking = true;
    try {
      const response = await fetch(`/window?${new URLSearchParams({ device, field })}`);
      // Lost connections and ended sessions are the business of the stream of events.
      if (response.ok && device === this.#device.value && field === this.#field.value)
        this.#view = (await response.json()) as WindowView;
    } catch {
      return;
    } finally {
      this.#isAsking = false;
    }
    this.#draw();
  }

  #draw(): void {
    const view = this.#view;
    setText(this.#readout, view ? summaryOf(view) : nothing);
    this.#curves = view ? curvesOf(view) : noCurves;
    this.#wave.draw([...this.#curves], 0, view ? view.seconds * 1e3 : 1);
    const text =
      view && `Wave of ${view.field}. ${summaryOf(view)}. ${shapeletText(view)}Arrow keys move through time.`;
    this.#wave.describe(text ?? 'Wave');
    setText(need('shapelet-readout'), view ? shapeletText(view) : '');
    const spectrum = view?.spectrum;
    const [x, y] = spectrum ? [[...spectrum.x], visible(spectrum.y)] : [[], []];
    this.#spectrum.draw([x, y], 0, x.at(-1) ?? 1);
    this.#spectrum.describe(`Spectrum. ${this.#spectrumText(null)}. Arrow keys move through frequencies.`);
    setText(need('wave-readout'), this.#waveText(null));
    setText(need('spectrum-readout'), this.#spectrumText(null));
  }

  #label(): string {
    const view = this.#view;
    if (!view) return '';
    const mark = view.truth === null ? '' : view.truth === view.label ? ' ✓' : ` ✗ ${view.truth}`;
    return `${view.label} ${percent(view.probability)}${mark}`;
  }

  #waveText(index: number | null): string {
    const view = this.#view;
    if (!view) return nothing;
    if (index === null) return `${view.field}, ${gapText(view)}`;
    const [x, wave, shapelet] = this.#curves;
    const [value, over] = [wave[index], shapelet[index]];
    const first = value === undefined ? '' : value === null ? 'gap' : measured(value);
    const second = typeof over === 'number' ? `shapelet ${measured(over)}` : '';
    return `${measured(x[index] ?? 0)} ms: ${[first, second].filter(Boolean).join(', ')}`;
  }

  #spectrumText(index: number | null): string {
    const view = this.#view;
    if (!view) return nothing;
    const { spectrum } = view;
    if (!spectrum)
      return view.rate === null ? 'no spectrum: times are not even' : 'no spectrum: too few values were measured';
    const at = index ?? spectrum.y.indexOf(Math.max(...spectrum.y));
    const text = `${measured(spectrum.x[at] ?? 0)} Hz: ${(spectrum.y[at] ?? 0).toExponential(1)}`;
    return index === null ? `Power for each hertz; peak at ${text}` : text;
  }
}

/** Places, values of the wave (null is a gap) and of the shapelet; undefined where a curve has no value at a place of the other. */
type Curves = readonly [x: number[], wave: (number | null | undefined)[], shapelet: (number | undefined)[]];
const noCurves: Curves = [[], [], []];

/** Both curves on the places of both. */
function curvesOf({ wave, shapelet }: WindowView): Curves {
  const values = new Map(wave.x.map((x, at) => [x, wave.y[at]]));
  const over = new Map(shapelet?.x.map((x, at) => [x, shapelet.y[at]]));
  const x = [...new Set([...values.keys(), ...over.keys()])].sort((a, b) => a - b);
  return [x, x.map((at) => values.get(at)), x.map((at) => over.get(at))];
}

/** What is known of the shapelet that decided; empty where there is none. */
function shapeletText({ label, shapelet }: WindowView): string {
  if (!shapelet) return '';
  const [from, to] = [shapelet.x[0] ?? 0, shapelet.x.at(-1) ?? 0];
  return `Thick: the shapelet that decided for ${label}, ${measured(from)} to ${measured(to)} ms, ${percent(shapelet.share)} of all that speaks for it. `;
}

function summaryOf(view: WindowView): string {
  const end = clock(Number(BigInt(view.time) / 1_000_000n));
  const unread = view.read < view.samples ? `; the page read ${count(view.read)} of ${count(view.samples)}` : '';
  const rate = view.rate === null ? '' : ` at ${measured(view.rate)} Hz`;
  return `${view.device}, ${measured(view.seconds)} s to ${end}${rate}: ${view.label} ${percent(view.probability)}${unread}`;
}

const gapText = ({ measured: present, expected }: WindowView): string =>
  present >= expected
    ? `all ${count(expected)} values measured`
    : `${count(expected - present)} of ${count(expected)} values missing`;

/** Keeps the reader's choice while names come and go. */
function fillSelect(select: HTMLSelectElement, names: readonly string[]): void {
  const { options, value } = select;
  if (names.length === options.length && names.every((name, at) => options[at]?.value === name)) return;
  select.replaceChildren(...names.map((name) => make('option', { value: name }, name)));
  if (names.includes(value)) select.value = value;
}

function padded(low: number, high: number): [number, number] {
  if (Number.isNaN(low)) return [-1, 1];
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

function decadesOf(_low: number, high: number): [number, number] {
  const top = high > 0 ? 10 ** Math.ceil(Math.log10(high)) : 1;
  return [top * leastPower, top];
}

/** A logarithmic axis has no place for nothing at all. */
function visible(power: readonly number[]): number[] {
  const least = Math.max(...power) * leastPower;
  return power.map((value) => Math.max(value, least || leastPower));
}
