import uPlot from '/vendor/uplot.js';
import { clock } from './format.ts';
import { faded, onSchemeChange, type Palette, readPalette } from './palette.ts';

export interface Line {
  readonly label: string;
  readonly colour: (palette: Palette) => string;
  readonly fill?: (palette: Palette) => string;
  readonly width?: number;
  readonly dash?: number[];
}

export interface ChartOptions {
  readonly root: HTMLElement;
  readonly lines: readonly Line[];
  /** Fills the space between two lines, by number. */
  readonly band?: { readonly upper: number; readonly lower: number; readonly fill: (palette: Palette) => string };
  /** The bounds of the y axis, from those of the data. */
  readonly range: (low: number, high: number) => [low: number, high: number];
  readonly logarithmic?: boolean;
  /** What runs along the x axis; default: time. Charts of one group show the same place when one of them is pointed at. */
  readonly across?: { readonly group: string; readonly tick: (value: number) => string };
  /** Parts of the x axis that are shaded: nothing was measured there. */
  readonly shades?: () => readonly (readonly [from: number, to: number])[];
  /** Written into the chart, at its top left. */
  readonly caption?: () => string;
  /** The chart below shows the same time: no times at the x axis of this one. */
  readonly timeless?: boolean;
  /** Text at the ticks of the y axis. */
  readonly tick: (value: number) => string;
  /** Moments to be marked, with what to write there. */
  readonly marks?: () => readonly { readonly at: number; readonly text: string }[];
  /** The reader points at a second, or (null) at none: write what is there. Index into the data. */
  readonly pointed: (index: number | null) => void;
  /** What was pointed at was chosen by keyboard: announce it. */
  readonly announce: () => void;
}

const axisFont = '12px system-ui, sans-serif';
const axisWidth = 52;
/** Charts over time show the same moment when one of them is pointed at. */
const time = { group: 'line', tick: (seconds: number) => clock(seconds * 1_000) };
type Across = NonNullable<ChartOptions['across']>;

/** A chart on uPlot, over time or over something else: follows its box's size and the colour scheme, and can be read by keyboard. */
export class Chart {
  readonly #options: ChartOptions;
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData = [[]];
  #bounds: [number, number] = [0, 1];

  constructor(options: ChartOptions) {
    this.#options = options;
    const { root } = options;
    root.tabIndex = 0;
    root.setAttribute('role', 'img');
    root.addEventListener('keydown', (event) => this.#moveCursor(event));
    root.addEventListener('blur', () => letGo(this.#across));
    new ResizeObserver(() => this.#resize()).observe(root);
    onSchemeChange(() => this.#build());
    this.#build();
  }

  /** What a screen reader reads of the chart. */
  describe(text: string): void {
    if (this.#options.root.getAttribute('aria-label') !== text) this.#options.root.setAttribute('aria-label', text);
  }

  /** Draws columns (x first) between two places of the x axis; of time, in seconds since the epoch. */
  draw(data: uPlot.AlignedData, from: number, to: number): void {
    this.#data = data;
    this.#bounds = [from, to];
    this.#plot?.setData(data);
  }

  destroy(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  get #across(): Across {
    return this.#options.across ?? time;
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.#options.root;
    if (width > 0 && height > 0 && (width !== this.#plot?.width || height !== this.#plot.height)) {
      this.#plot?.setSize({ width, height });
    }
  }

  #build(): void {
    const { root } = this.#options;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#uplotOptions(readPalette()), this.#data, root);
  }

  #uplotOptions(palette: Palette): uPlot.Options {
    const { root, lines, band, range, logarithmic, timeless, pointed } = this.#options;
    return {
      width: root.clientWidth || 300,
      height: root.clientHeight || 160,
      padding: [8, 6, timeless ? 8 : 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: this.#across.group }, points: { size: 7 } },
      scales: {
        x: { time: this.#options.across === undefined, range: () => this.#bounds },
        y: { distr: logarithmic ? 3 : 1, range: (_plot, low, high) => range(low ?? Number.NaN, high ?? Number.NaN) },
      },
      axes: this.#axes(palette),
      series: [
        {},
        ...lines.map((line) => ({
          label: line.label,
          stroke: line.colour(palette),
          width: line.width ?? 1.75,
          points: { show: false },
          ...(line.fill ? { fill: line.fill(palette) } : {}),
          ...(line.dash ? { dash: line.dash } : {}),
        })),
      ],
      ...(band ? { bands: [{ series: [band.upper + 1, band.lower + 1], fill: band.fill(palette) }] } : {}),
      hooks: {
        setCursor: [(plot) => pointed(plot.cursor.idx ?? null)],
        drawClear: [
          (plot) => {
            this.#drawShades(plot, palette);
            this.#drawMarks(plot, palette);
          },
        ],
        draw: [(plot) => this.#drawCaption(plot, palette)],
      },
    };
  }

  #axes(palette: Palette): uPlot.Axis[] {
    const { tick, logarithmic, timeless } = this.#options;
    const both = { stroke: palette.muted, font: axisFont, ticks: { show: false }, border: { show: false } };
    return [
      {
        ...both,
        show: !timeless,
        size: 26,
        gap: 6,
        space: 84,
        grid: { show: false },
        values: (plot, splits) => splits.map((at) => (isWhole(plot, at) ? this.#across.tick(at) : '')),
      },
      {
        ...both,
        size: axisWidth,
        gap: 6,
        space: 30,
        grid: { stroke: palette.grid, width: 1 },
        ...(logarithmic ? { splits: decades } : {}),
        values: (_plot, splits) => splits.map((value) => (value === null ? '' : tick(value))),
      },
    ];
  }

  #drawShades(plot: uPlot, palette: Palette): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = faded(palette.gap, 0.22);
    for (const [from, to] of this.#options.shades?.() ?? []) {
      const left = plot.valToPos(from, 'x', true);
      const width = plot.valToPos(to, 'x', true) - left;
      ctx.fillRect(left, bbox.top, Math.max(devicePixelRatio, width), bbox.height);
    }
    ctx.restore();
  }

  #drawCaption(plot: uPlot, palette: Palette): void {
    const text = this.#options.caption?.() ?? '';
    if (text === '') return;
    const { ctx, bbox } = plot;
    const size = 13 * devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${size}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'top';
    const [left, top] = [bbox.left + size / 2, bbox.top + size / 4];
    ctx.fillStyle = faded(palette.card, 0.85);
    ctx.fillRect(left - size / 3, top - size / 4, ctx.measureText(text).width + (2 * size) / 3, 1.5 * size);
    ctx.fillStyle = palette.ink;
    ctx.fillText(text, left, top);
    ctx.restore();
  }

  #drawMarks(plot: uPlot, palette: Palette): void {
    const { ctx, bbox } = plot;
    const [from, to] = this.#bounds;
    ctx.save();
    ctx.strokeStyle = palette.muted;
    ctx.fillStyle = palette.muted;
    ctx.lineWidth = devicePixelRatio;
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = 'top';
    for (const { at, text } of this.#options.marks?.() ?? []) {
      if (at < from || at > to) continue;
      const x = Math.round(plot.valToPos(at, 'x', true));
      ctx.beginPath();
      ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const isRight = x > bbox.left + bbox.width / 2;
      ctx.textAlign = isRight ? 'right' : 'left';
      ctx.fillText(text, x + (isRight ? -6 : 6) * devicePixelRatio, bbox.top);
    }
    ctx.restore();
  }

  /** Left and right by a second, with Shift by ten; Home and End; Escape lets go. */
  #moveCursor(event: KeyboardEvent): void {
    const plot = this.#plot;
    const x = this.#data[0];
    if (!plot || x.length === 0) return;
    const now = plot.cursor.idx ?? x.length - 1;
    const step = event.shiftKey ? 10 : 1;
    const targets: Record<string, number> = {
      ArrowLeft: now - step,
      ArrowRight: now + step,
      Home: 0,
      End: x.length - 1,
    };
    const target = targets[event.key];
    if (event.key === 'Escape') letGo(this.#across);
    if (target === undefined) return;
    event.preventDefault();
    const index = Math.min(Math.max(target, 0), x.length - 1);
    const at = x[index];
    if (at === undefined) return;
    for (const one of uPlot.sync(this.#across.group).plots)
      one.setCursor({ left: Math.max(0, one.valToPos(at, 'x')), top: 1 });
    this.#options.announce();
  }
}

/** No chart of a group points at anything any more. */
function letGo({ group }: Across): void {
  for (const plot of uPlot.sync(group).plots) plot.setCursor({ left: -10, top: -10 });
}

/** A logarithmic axis is divided at powers of ten only. */
function decades(_plot: uPlot, _axis: number, low: number, high: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** Whether a time written at this moment would not be cut off by the right edge. */
function isWhole(plot: uPlot, at: number): boolean {
  return plot.valToPos(at, 'x', true) < plot.bbox.left + plot.bbox.width - 24 * devicePixelRatio;
}
