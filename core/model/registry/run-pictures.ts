import { elementAt } from '../../numeric/element.ts';
import type { Draft } from '../artifact.ts';
import { impurityByField } from '../importance.ts';
import type { Metrics } from '../manifest.ts';

/** More classes or fields than these nobody reads in one picture. */
const most = { classes: 40, fields: 20 };
const ink = '#1f2328';
const blue = '#1f6feb';
const grid = '#d0d7de';

/** The pictures of a training run by the names of their files: SVG, which MLflow's page shows. */
export async function picturesOf({ manifest, files }: Draft): Promise<Map<string, string>> {
  const { metrics, fields, classes, channels = [] } = manifest;
  const pictures = new Map<string, string>();
  if (metrics.confusion.length <= most.classes) pictures.set('confusion.svg', confusionPicture(metrics, classes));
  // Of a series the fields are its samples, of which none means anything alone.
  const importance = manifest.series ? undefined : await impurityByField({ manifest, files });
  if (importance) pictures.set('importance.svg', importancePicture(fields, importance));
  if (metrics.reliability?.length) pictures.set('reliability.svg', reliabilityPicture(metrics.reliability));
  if (metrics.byGapRate?.length)
    pictures.set('gaps.svg', gapsPicture(metrics, channels.length > 0 ? 'columns' : 'values'));
  return pictures;
}

/** Each row of the matrix is a truth; the darker a cell, the larger its share of that truth. */
function confusionPicture({ confusion }: Metrics, classes: readonly string[]): string {
  const cell = Math.max(24, Math.min(72, Math.floor(480 / classes.length)));
  const left = 24 + widthOf(classes);
  const top = 76;
  const cells = confusion.flatMap((row, truth) => {
    const all = row.reduce((sum, count) => sum + count, 0);
    const [x, y] = [left, top + truth * cell];
    const name = text(left - 8, y + cell / 2 + 4, shortened(elementAt(classes, truth)), { anchor: 'end' });
    const squares = row.map((count, label) => {
      const share = all === 0 ? 0 : count / all;
      const square = rectangle([x + label * cell, y, cell, cell], blue, share);
      const colour = share > 0.5 ? '#ffffff' : ink;
      return `${square}${text(x + (label + 0.5) * cell, y + cell / 2 + 4, String(count), { anchor: 'middle', colour })}`;
    });
    return [name, ...squares];
  });
  const names = classes.map((name, label) => {
    const [x, y] = [left + (label + 0.5) * cell, top - 6];
    return `<g transform="rotate(-40 ${x} ${y})">${text(x, y, shortened(name))}</g>`;
  });
  const size = classes.length * cell;
  const frame = `<rect x="${left}" y="${top}" width="${size}" height="${size}" fill="none" stroke="${grid}"/>`;
  return svg(
    'Confusion: rows are the truth, columns the label',
    [left + size + 90, top + size + 16],
    [frame, ...names, ...cells],
  );
}

function importancePicture(fields: readonly string[], importance: readonly number[]): string {
  const ranked = importance
    .map((share, at) => ({ name: elementAt(fields, at), share }))
    .sort((a, b) => b.share - a.share)
    .slice(0, most.fields);
  const greatest = Math.max(...ranked.map(({ share }) => share), 1e-9);
  const left = 24 + widthOf(ranked.map(({ name }) => name));
  const bars = ranked.flatMap(({ name, share }, at) => {
    const [y, width] = [40 + at * 22, (share / greatest) * 360];
    return [
      text(left - 8, y + 13, shortened(name), { anchor: 'end' }),
      rectangle([left, y, width, 16], blue),
      text(left + width + 6, y + 13, percent(share)),
    ];
  });
  const title = `Importance of ${ranked.length === fields.length ? 'the' : `the first ${ranked.length} of ${fields.length}`} fields`;
  return svg(title, [left + 440, 52 + ranked.length * 22], bars);
}

/** A square frame from 0 to 1. */
const plot = { left: 64, top: 40, size: 320 };
const atX = (share: number): number => plot.left + share * plot.size;
const atY = (share: number): number => plot.top + (1 - share) * plot.size;

function reliabilityPicture(bins: NonNullable<Metrics['reliability']>): string {
  const rows = bins.reduce((sum, bin) => sum + bin.rows, 0);
  const error = bins.reduce((sum, bin) => sum + (bin.rows / rows) * Math.abs(bin.accuracy - bin.probability), 0);
  const points = bins.map(({ probability, accuracy, rows: count }) => ({
    at: [probability, accuracy] as const,
    count,
  }));
  return svg(
    `Reliability: expected calibration error ${percent(error)} of ${rows} labels`,
    [460, 424],
    [
      ...frameOf('probability of the label', 'share of right labels'),
      `<path d="M${atX(0)} ${atY(0)}L${atX(1)} ${atY(1)}" stroke="${ink}" stroke-dasharray="6 4"/>`,
      line(points.map(({ at }) => at)),
      // The area of a point shows how many labels are behind it.
      ...points.map(({ at: [x, y], count }) => dot(x, y, 3 + 9 * Math.sqrt(count / rows))),
    ],
  );
}

function gapsPicture({ accuracy, f1, byGapRate = [] }: Metrics, what: string): string {
  const rates = [{ rate: 0, accuracy, f1 }, ...byGapRate];
  return svg(
    'Accuracy (line) and macro F1 (dashes) with more gaps',
    [460, 424],
    [
      ...frameOf(`share of ${what} masked`, 'accuracy, macro F1'),
      line(rates.map((each) => [each.rate, each.accuracy])),
      line(
        rates.map((each) => [each.rate, each.f1]),
        '6 4',
      ),
      ...rates.map((each) => dot(each.rate, each.accuracy, 4)),
    ],
  );
}

function frameOf(x: string, y: string): string[] {
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((share) => [
    `<path d="M${plot.left} ${atY(share)}h${plot.size}" stroke="${grid}"/>`,
    text(plot.left - 8, atY(share) + 4, String(share), { anchor: 'end' }),
    text(atX(share), plot.top + plot.size + 18, String(share), { anchor: 'middle' }),
  ]);
  const middle = plot.top + plot.size / 2;
  return [
    ...ticks,
    text(atX(0.5), plot.top + plot.size + 42, x, { anchor: 'middle' }),
    `<g transform="rotate(-90 18 ${middle})">${text(18, middle, y, { anchor: 'middle' })}</g>`,
  ];
}

function line(points: readonly (readonly [x: number, y: number])[], dashes = 'none'): string {
  const path = points.map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${short(atX(x))} ${short(atY(y))}`);
  return `<path d="${path.join('')}" fill="none" stroke="${blue}" stroke-width="2" stroke-dasharray="${dashes}"/>`;
}

const dot = (x: number, y: number, radius: number): string =>
  `<circle cx="${short(atX(x))}" cy="${short(atY(y))}" r="${short(radius)}" fill="${blue}"/>`;

function rectangle([x, y, width, height]: readonly number[], colour: string, opacity = 1): string {
  const place = `x="${x}" y="${y}" width="${short(width ?? 0)}" height="${short(height ?? 0)}"`;
  return `<rect ${place} fill="${colour}" fill-opacity="${short(opacity)}"/>`;
}

function text(x: number, y: number, words: string, { anchor = 'start', colour = ink } = {}): string {
  return `<text x="${short(x)}" y="${short(y)}" text-anchor="${anchor}" fill="${colour}">${escaped(words)}</text>`;
}

function svg(title: string, [width, height]: readonly [number, number], parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<g font-size="14" font-weight="bold">${text(16, 22, title)}</g>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Names are data, and may hold what XML does not take at all. */
const escaped = (words: string): string =>
  words
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
const shortened = (name: string): string => (name.length > 28 ? `${name.slice(0, 27)}…` : name);
const widthOf = (names: readonly string[]): number =>
  names.reduce((widest, name) => Math.max(widest, shortened(name).length * 7.5), 40);
const short = (value: number): number => Math.round(value * 100) / 100;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
