/** Figures over time, or over anything else that grows. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** A bound is dashed. */
  readonly dashed?: boolean;
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const size = { width: 720, height: 300 };
const frame = { left: 64, top: 36, bottom: 44 };
/** Beside the lines stand the names: at least so wide, and so much for a letter. */
const names = { least: 176, beside: 46, letter: 6.2 };
const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#57606a', '#bf3989'];
/** More points of one series than this nobody sees. */
const mostPoints = 240;

/** Lines in one frame, as SVG that needs neither script nor font of its own. */
export function linePlot({ title, x, y, series }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  // Nothing but zeros has a frame, too.
  const right = greatest(all.map(([at]) => at)) || 1;
  const highest = greatest(all.map(([, value]) => value)) || 1;
  const [stepX, stepY] = [stepOf(right), stepOf(highest)];
  const top = Math.ceil((highest * 1.02) / stepY) * stepY;
  const beside = Math.max(names.least, names.beside + names.letter * greatest(series.map(({ name }) => name.length)));
  const [width, height] = [size.width - frame.left - beside, size.height - frame.top - frame.bottom];
  const atX = (value: number): number => round(frame.left + (value / right) * width);
  const atY = (value: number): number => round(frame.top + (1 - value / top) * height);
  const bottom = frame.top + height;
  const rows = ticks(top, stepY).map(
    (value) =>
      `<path d="M${frame.left} ${atY(value)}h${width}" stroke="#d0d7de"/>${label(frame.left - 8, atY(value) + 4, number(value), 'end')}`,
  );
  const columns = ticks(right, stepX).map((value) => label(atX(value), bottom + 18, number(value), 'middle'));
  const lines = series.map(({ points, dashed }, index) => {
    const path = thinned(points).map(([at, value], point) => `${point === 0 ? 'M' : 'L'}${atX(at)} ${atY(value)}`);
    const dashes = dashed ? ' stroke-dasharray="6 4"' : '';
    return `<path d="${path.join('')}" fill="none" stroke="${colours[index % colours.length]}" stroke-width="1.5"${dashes}/>`;
  });
  const legend = series.map(({ name, dashed }, index) => {
    const line = frame.top + 10 + index * 20;
    const dashes = dashed ? ' stroke-dasharray="6 4"' : '';
    const from = size.width - beside + 12;
    const mark = `<path d="M${from} ${line}h20" stroke="${colours[index % colours.length]}" stroke-width="2"${dashes}/>`;
    return mark + label(from + 26, line + 4, name);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12" fill="#1f2328">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${size.width}" height="${size.height}" fill="#ffffff"/>`,
    `<text x="${frame.left}" y="20" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...rows,
    ...columns,
    ...lines,
    ...legend,
    label(frame.left + width / 2, size.height - 8, x, 'middle'),
    `<text transform="translate(14 ${frame.top + height / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** 1, 2 or 5 times a power of ten, so that there are four to ten steps. */
function stepOf(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 8) ?? most;
}

function ticks(most: number, step: number): number[] {
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step);
}

/** Of neighbours the highest, so that no peak is lost. */
function thinned(points: Series['points']): Series['points'] {
  const every = Math.ceil(points.length / mostPoints);
  if (every === 1) return points;
  return Array.from({ length: Math.ceil(points.length / every) }, (_, index) =>
    points.slice(index * every, (index + 1) * every).reduce((best, point) => (point[1] > best[1] ? point : best)),
  );
}

function label(x: number, y: number, text: string, anchor = 'start'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (value: number): number => Math.round(value * 10) / 10;
const number = (value: number): string => new Intl.NumberFormat('en', { maximumSignificantDigits: 6 }).format(value);
const greatest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
