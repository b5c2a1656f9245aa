/** One cell of the dashboard, in the terms of its reader. */
export interface Cell {
  readonly name: string;
  /** What it shows, and what to do when it is bad. Shown in the cell's note. */
  readonly note: string;
  readonly view: View;
  /** In columns of 12, and in rows. */
  readonly width: number;
  readonly height: number;
  readonly query: string;
}

/** How a cell shows what its query finds. */
export type View =
  | { readonly kind: 'number'; readonly suffix: string; readonly decimals: number }
  | { readonly kind: 'line' | 'stacked'; readonly unit: string }
  /** Dots of `_value` over the column `x`, which is no time: within `domain`; without `free`, `_value` too. */
  | {
      readonly kind: 'dots';
      readonly x: string;
      readonly unit: string;
      readonly domain: readonly [number, number];
      readonly free: boolean;
    }
  | { readonly kind: 'heatmap'; readonly unit: string }
  /** In the order of the column `rank`, which is hidden. The other columns stand in this order, under these titles. */
  | { readonly kind: 'table'; readonly columns: readonly (readonly [name: string, title: string])[] };

/** Makes a cell; the size is its columns and rows. */
export const cell = (name: string, note: string, view: View, size: readonly [number, number], query: string): Cell => ({
  name,
  note,
  view,
  width: size[0],
  height: size[1],
  query,
});

export const number = (suffix: string, decimals: number): View => ({ kind: 'number', suffix, decimals });
export const line = (unit: string): View => ({ kind: 'line', unit });
/** Shares in percent over shares in percent. */
export const shares = (x: string, unit: string): View => ({ kind: 'dots', x, unit, domain: [0, 100], free: false });
/** Any values over a column that lies within a domain. */
export const dots = (x: string, unit: string, domain: readonly [number, number]): View => ({
  kind: 'dots',
  x,
  unit,
  domain,
  free: true,
});
/** Columns by name, each under its title; columns that are not named follow. */
export const table = (columns: Readonly<Record<string, string>>): View => ({
  kind: 'table',
  columns: Object.entries(columns),
});
