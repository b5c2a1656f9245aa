import type { Snapshot } from '../events.ts';
import { Chart, type ChartOptions } from './chart.ts';
import { need } from './dom.ts';
import { clock, count, durationText, nothing, percent, rate } from './format.ts';
import { faded } from './palette.ts';
import { type Key, Readout } from './readout.ts';
import { type Columns, columnsOf } from './series.ts';
import type { State } from './state.ts';

type ColumnName = Exclude<keyof Columns, 'x'>;

interface Trend {
  readonly chart: Chart;
  readonly columns: readonly ColumnName[];
  readonly write: (index: number | null) => void;
}

/** The charts over time whose lines are always the same: accuracy, gaps, both models, rates, latency. */
export class Trends {
  readonly #state: State;
  readonly #announce: (text: string) => void;
  readonly #trends: Record<'accuracy' | 'gaps' | 'duel' | 'rates' | 'latency', Trend>;
  #columns: Columns = columnsOf(new Map(), 0, 0);

  constructor(state: State, announce: (text: string) => void) {
    this.#state = state;
    this.#announce = announce;
    this.#trends = {
      accuracy: this.#accuracy(),
      gaps: this.#gaps(),
      duel: this.#duel(),
      rates: this.#rates(),
      latency: this.#latency(),
    };
  }

  /** Draws the seconds `from` to `to`. */
  update(from: number, to: number): void {
    // One second more on the left, so that lines come in from outside.
    this.#columns = columnsOf(this.#state.seconds, from - 1, to);
    for (const { chart, columns, write } of Object.values(this.#trends)) {
      chart.draw([this.#columns.x, ...columns.map((name) => this.#columns[name])], from, to);
      write(null);
    }
    this.#describe();
  }

  #accuracy(): Trend {
    return this.#trend({
      id: 'accuracy',
      keys: [
        { name: 'accuracy', swatch: 'accent-line', characters: 6 },
        { name: '95% interval', swatch: 'accent-area', characters: 15 },
      ],
      columns: ['accuracy', 'accuracyHigh', 'accuracyLow'],
      values: (at) => [shareText(at('accuracy')), intervalText(at('accuracyLow'), at('accuracyHigh'))],
      options: {
        lines: [
          { label: 'accuracy', colour: ({ accent }) => accent, width: 2 },
          { label: 'high', colour: () => 'transparent', width: 0 },
          { label: 'low', colour: () => 'transparent', width: 0 },
        ],
        band: { upper: 1, lower: 2, fill: ({ accent }) => faded(accent, 0.16) },
        range: (low) => [Number.isNaN(low) ? 0.5 : Math.max(0, Math.floor(low * 10 - 0.2) / 10), 1],
        tick: (value) => `${Math.round(value * 100)}%`,
        timeless: true,
        marks: () => swapsOf(this.#state.figures),
      },
    });
  }

  #gaps(): Trend {
    return this.#trend({
      id: 'gaps',
      keys: [
        { name: 'share of values missing', swatch: 'gap-area', characters: 6 },
        ...(document.documentElement.dataset.controls === 'yes'
          ? [{ name: 'asked for', swatch: 'set-line', characters: 6 }]
          : []),
      ],
      columns: ['gapShare', 'setGapRate'],
      values: (at) => [shareText(at('gapShare')), shareText(at('setGapRate'))],
      options: {
        lines: [
          { label: 'gaps', colour: ({ gap }) => gap, fill: ({ gap }) => faded(gap, 0.18) },
          { label: 'set', colour: ({ muted }) => muted, width: 1.25, dash: [4, 4] },
        ],
        range: (_low, high) => [0, Number.isNaN(high) || high <= 0.24 ? 0.25 : high <= 0.64 ? 0.65 : 1],
        tick: (value) => `${Math.round(value * 100)}%`,
      },
    });
  }

  #duel(): Trend {
    return this.#trend({
      id: 'duel',
      keys: [
        { name: 'champion', swatch: 'accent-line', characters: 6 },
        { name: 'challenger', swatch: 'ink-line', characters: 6 },
      ],
      columns: ['champion', 'challenger'],
      values: (at) => [shareText(at('champion')), shareText(at('challenger'))],
      options: {
        lines: [
          { label: 'champion', colour: ({ accent }) => accent, width: 2 },
          { label: 'challenger', colour: ({ muted }) => muted, width: 2 },
        ],
        range: (low) => [Number.isNaN(low) ? 0.5 : Math.max(0, Math.floor(low * 10 - 0.2) / 10), 1],
        tick: (value) => `${Math.round(value * 100)}%`,
        marks: () => swapsOf(this.#state.figures),
      },
    });
  }

  #rates(): Trend {
    return this.#trend({
      id: 'rates',
      keys: [
        { name: 'readings', swatch: 'ink-line', characters: 7 },
        { name: 'labels', swatch: 'accent-line', characters: 7 },
      ],
      columns: ['readings', 'labels'],
      values: (at) => [rateText(at('readings')), rateText(at('labels'))],
      options: {
        lines: [
          { label: 'readings', colour: ({ muted }) => muted, fill: ({ muted }) => faded(muted, 0.12) },
          { label: 'labels', colour: ({ accent }) => accent },
        ],
        range: (_low, high) => [0, Number.isNaN(high) || high < 5 ? 5 : high * 1.15],
        tick: (value) => compact(value),
      },
    });
  }

  #latency(): Trend {
    return this.#trend({
      id: 'latency',
      keys: [
        { name: 'median', swatch: 'accent-line', characters: 7 },
        { name: '99th percentile', swatch: 'ink-line', characters: 7 },
      ],
      columns: ['p50Ms', 'p99Ms'],
      values: (at) => [latencyText(at('p50Ms')), latencyText(at('p99Ms'))],
      options: {
        lines: [
          { label: 'p50', colour: ({ accent }) => accent },
          { label: 'p99', colour: ({ muted }) => muted },
        ],
        logarithmic: true,
        range: decades,
        tick: durationTick,
      },
    });
  }

  #trend({
    id,
    keys,
    columns,
    values,
    options,
  }: {
    id: string;
    keys: readonly Key[];
    columns: readonly ColumnName[];
    values: (at: (column: ColumnName) => number | null) => readonly string[];
    options: Omit<ChartOptions, 'root' | 'pointed' | 'announce'>;
  }): Trend {
    const readout = new Readout(need(`${id}-readout`), keys);
    let pointedAt: number | null = null;
    const write = () => {
      const { x } = this.#columns;
      const index = pointedAt === null || pointedAt >= x.length ? x.length - 1 : pointedAt;
      const when = pointedAt === null ? 'now' : clock((x[index] ?? 0) * 1_000);
      const shown = values((name) => this.#columns[name][index] ?? null);
      readout.show(when, shown.slice(0, keys.length));
    };
    const pointed = (index: number | null) => {
      pointedAt = index;
      write();
    };
    const announce = () => this.#announce(readout.text);
    return { chart: new Chart({ ...options, root: need(`${id}-chart`), pointed, announce }), columns, write };
  }

  #describe(): void {
    const last = (name: ColumnName) => this.#columns[name].at(-1) ?? null;
    const { accuracy, gaps, duel, rates, latency } = this.#trends;
    const keys = 'Arrow keys move through time.';
    accuracy.chart.describe(`Accuracy over time, now ${shareText(last('accuracy'))}. ${keys}`);
    gaps.chart.describe(`Share of values missing over time, now ${shareText(last('gapShare'))}. ${keys}`);
    duel.chart.describe(
      `Accuracy of champion and challenger over time, now ${shareText(last('champion'))} and ${shareText(last('challenger'))}. ${keys}`,
    );
    rates.chart.describe(
      `Readings and labels a second, now ${count(last('readings') ?? 0)} and ${count(last('labels') ?? 0)}. ${keys}`,
    );
    latency.chart.describe(`Latency over time, median now ${latencyText(last('p50Ms'))}. ${keys}`);
  }
}

const shareText = (share: number | null) => (share === null ? nothing : percent(share));
const rateText = (perSecond: number | null) => (perSecond === null ? nothing : rate(perSecond));
const latencyText = (ms: number | null) => (ms === null ? nothing : durationText(ms));
const intervalText = (low: number | null, high: number | null) =>
  low === null || high === null ? nothing : `${percent(low)} to ${percent(high)}`;

function swapsOf(figures: Snapshot | undefined): { at: number; text: string }[] {
  return (figures?.model?.swaps ?? []).map(({ at, version }) => ({ at: at / 1_000, text: `version ${version}` }));
}

/** Whole powers of ten around the data, two at least. */
function decades(low: number, high: number): [number, number] {
  if (Number.isNaN(low) || low <= 0) return [1, 1_000];
  const from = Math.floor(Math.log10(low));
  const to = Math.max(Math.ceil(Math.log10(high * 1.05)), from + 2);
  return [10 ** from, 10 ** to];
}

const durationTick = (ms: number) => (ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`);
const compactFormat = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const compact = (value: number) => compactFormat.format(value);
