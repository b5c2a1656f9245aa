import type { Stream } from '../core/wire/stream.ts';
import type { Cell, View } from './cells/cell.ts';
import { segmentShape, type WindowShape } from './cells/windows.ts';
import { cellsOf } from './cells.ts';
import { checksOf } from './checks.ts';
import { type QueryScope, rankColumn, within } from './flux.ts';
import { variablesOf } from './variables.ts';

export interface TemplateOptions {
  readonly stream: Stream;
  readonly bucket: string;
  /** Where the model labels windows: the dashboard then shows the last one. Of readings that are whole segments the stream knows it. */
  readonly windows?: WindowShape;
}

/** One resource of a template, as InfluxDB's page imports it and `POST /api/v2/templates/apply` takes it. */
export interface TemplateObject {
  readonly apiVersion: 'influxdata.com/v2alpha1';
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>> & { readonly name: string };
}

/** What the dashboard of a stream is called. */
export const dashboardName = (stream: Stream): string => `Gapline ${stream.name}`;

/** Renders dashboard, variables and checks of a stream as one template: an array, which JSON makes a file that can be imported. */
export function renderTemplate({ stream, bucket, windows }: TemplateOptions): TemplateObject[] {
  const dashboard = object('Dashboard', 'gapline-dashboard', {
    name: dashboardName(stream),
    description: 'Readings, what was filled, labels, how right they are, and how the line does.',
    charts: layOut(cellsOf(windows ?? segmentShape(stream)), { stream: stream.name, bucket }),
  });
  const variables = variablesOf(stream, bucket).map(({ kind, name, description, query, selected }) =>
    object('Variable', `gapline-chosen-${kind}`, {
      name,
      description,
      type: 'query',
      language: 'flux',
      query,
      selected: [selected],
    }),
  );
  const checks = checksOf(stream, bucket).map(({ kind, name, spec }, index) =>
    object(kind, `gapline-check-${index + 1}`, { name, ...spec }),
  );
  return [dashboard, ...variables, ...checks];
}

function object(kind: string, name: string, spec: TemplateObject['spec']): TemplateObject {
  return { apiVersion: 'influxdata.com/v2alpha1', kind, metadata: { name }, spec };
}

const columns = 12;

/** Puts cells side by side, row by row. */
function layOut(all: readonly Cell[], scope: QueryScope): Record<string, unknown>[] {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  return all.map((cell) => {
    if (x + cell.width > columns) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const chart = {
      name: cell.name,
      note: cell.note,
      noteOnEmpty: true,
      xPos: x,
      yPos: y,
      width: cell.width,
      height: cell.height,
      queries: [{ query: within(cell.query, scope) }],
      ...chartOf(cell.view),
    };
    x += cell.width;
    rowHeight = Math.max(rowHeight, cell.height);
    return chart;
  });
}

/** Colours that differ for most colour-blind eyes: Okabe and Ito. */
const lineColours = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00'];
const heatColours = ['#000004', '#320A5E', '#781C6D', '#BC3754', '#ED6925', '#FBB61A', '#FCFFA4'];

function chartOf(view: View): Record<string, unknown> {
  switch (view.kind) {
    case 'number':
      return {
        kind: 'Single_Stat',
        suffix: view.suffix,
        decimalPlaces: view.decimals,
        colors: [{ name: 'laser', type: 'text', hex: '#0072B2', value: 0 }],
      };
    case 'table':
      return {
        kind: 'Table',
        colors: [{ name: 'laser', type: 'text', hex: '#0072B2', value: 0 }],
        // InfluxDB's page sorts upwards by a column, whatever the query does; without `sortBy` by the first one. A fixed first column
        // covers what it should stand beside.
        tableOptions: { verticalTimeAxis: true, sortBy: rankColumn, wrapping: 'truncate', fixFirstColumn: false },
        fieldOptions: [
          ...view.columns.map(([fieldName, displayName]) => ({ fieldName, displayName, visible: true })),
          { fieldName: rankColumn, displayName: rankColumn, visible: false },
        ],
        timeFormat: 'YYYY-MM-DD HH:mm:ss',
      };
    case 'heatmap':
      return { kind: 'Heatmap', ...plane(view.unit), binSize: 10, colors: heatColours.map((hex) => ({ hex })) };
    case 'dots':
      // Not a line: over a column that is no time, InfluxDB's page draws that to the scale of the time that is chosen.
      return {
        kind: 'Scatter',
        ...plane(view.unit, { xCol: view.x, x: view.domain, ...(!view.free && { y: view.domain }) }),
        colors: lineColours.map((hex) => ({ hex })),
      };
    default:
      return {
        kind: 'XY',
        ...plane(view.unit),
        geom: 'line',
        ...(view.kind === 'stacked' ? { position: 'stacked', shade: true } : { position: 'overlaid' }),
        hoverDimension: 'auto',
        colors: lineColours.map((hex, index) => ({ name: `colour ${index + 1}`, type: 'scale', hex, value: 0 })),
      };
  }
}

/** `_value` against time, or against another column, each within the domain that is set. */
function plane(
  unit: string,
  { xCol = '_time', ...domains }: { xCol?: string; x?: readonly number[]; y?: readonly number[] } = {},
): Record<string, unknown> {
  const axis = (name: 'x' | 'y', label: string) => ({
    name,
    label,
    // Numbers as they are: base 10 would draw 0.5 as "500m".
    base: '',
    scale: 'linear',
    ...(domains[name] && { domain: domains[name] }),
  });
  // A legend without its lines' colours could not be read.
  const legendColorizeRows = true;
  return { xCol, yCol: '_value', legendColorizeRows, axes: [axis('x', xCol === '_time' ? '' : xCol), axis('y', unit)] };
}
