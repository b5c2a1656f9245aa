/** A curve of a panel; `null` breaks a line. */
export interface Curve {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number | null])[];
  /** Samples as dots, or a line. */
  readonly as: 'dots' | 'line';
  /** What came in is drawn faintly, what was made of it strongly. */
  readonly colour: 'given' | 'made' | 'other';
}

/** One frame with curves over the same axis. */
export interface Panel {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly unit: string;
  readonly curves: readonly Curve[];
  /** Where nothing was measured. */
  readonly gaps?: readonly (readonly [from: number, to: number])[];
  /** Text at a place of the axis, at the top. */
  readonly marks?: readonly (readonly [at: number, text: string])[];
}

const width = 760;
const panel = { height: 150, left: 16, right: 150, top: 34, bottom: 30 };
const ticks = 5;

const style = `
  .ground { fill: #ffffff } .title { fill: #18212c; font-weight: 600 } .text { fill: #4a5868 } .frame { stroke: #d5dbe3 }
  .given { --c: #8494a6 } .made { --c: #1f6fb2 } .other { --c: #bb5500 } .gap { fill: #bb5500; fill-opacity: 0.2 }
  .line { fill: none; stroke: var(--c); stroke-width: 1.5 } .dots { fill: var(--c) }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #10161f } .title { fill: #eef3f8 } .text { fill: #a8b6c5 } .frame { stroke: #2f3b4a }
    .given { --c: #75869a } .made { --c: #6cb6f0 } .other { --c: #f2a05a } .gap { fill: #f2a05a; fill-opacity: 0.25 }
  }
`;

/** Panels below each other as one SVG, whose colours follow the reader's scheme; without script or font of its own. */
export function panels(title: string, all: readonly Panel[]): string {
  const height = all.length * (panel.height + panel.top + panel.bottom);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="8"/>`,
    ...all.flatMap((each, at) => onePanel(each, at * (panel.height + panel.top + panel.bottom) + panel.top)),
    '</svg>\n',
  ].join('\n');
}

function onePanel({ title, from, to, unit, curves, gaps = [], marks = [] }: Panel, top: number): string[] {
  const values = curves.flatMap(({ points }) => points.flatMap(([, y]) => (y === null ? [] : [y])));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const inner = width - panel.left - panel.right;
  const atX = (x: number) => round(panel.left + ((x - from) / (to - from)) * inner);
  const atY = (y: number) => round(top + 6 + (1 - (y - least) / (most - least || 1)) * (panel.height - 12));
  const bottom = top + panel.height;
  const labels = Array.from({ length: ticks + 1 }, (_, at) => from + ((to - from) * at) / ticks);
  return [
    `<text class="title" x="${panel.left}" y="${top - 12}">${escaped(title)}</text>`,
    ...gaps.map(
      ([a, b]) =>
        `<rect class="gap" x="${atX(a)}" y="${top}" width="${round(atX(b) - atX(a))}" height="${panel.height}"/>`,
    ),
    `<path class="frame" d="M${panel.left} ${bottom}h${inner}" fill="none"/>`,
    ...labels.map((x, at) => text(atX(x), bottom + 18, `${number(x)}${at === ticks ? ` ${unit}` : ''}`, 'middle')),
    ...curves.map((curve) => drawn(curve, atX, atY)),
    ...marks.map(([at, words]) => text(atX(at), top + 10, words, 'middle')),
    ...curves.map(({ name, colour, as }, at) => {
      const y = top + 16 + at * 20;
      const x = width - panel.right + 16;
      const mark =
        as === 'dots'
          ? `<circle class="dots" cx="${x + 8}" cy="${y - 4}" r="2.5"/>`
          : `<path class="line" d="M${x} ${y - 4}h16"/>`;
      return `<g class="${colour}">${mark}</g>${text(x + 22, y, name, 'start')}`;
    }),
  ];
}

function drawn({ points, as, colour }: Curve, atX: (x: number) => number, atY: (y: number) => number): string {
  if (as === 'dots') {
    const dots = points.map(([x, y]) => (y === null ? '' : `<circle cx="${atX(x)}" cy="${atY(y)}" r="2"/>`));
    return `<g class="${colour}"><g class="dots">${dots.join('')}</g></g>`;
  }
  let isOpen = false;
  const path = points.map(([x, y]) => {
    const command = y === null ? '' : `${isOpen ? 'L' : 'M'}${atX(x)} ${atY(y)}`;
    isOpen = y !== null;
    return command;
  });
  return `<g class="${colour}"><path class="line" d="${path.join('')}"/></g>`;
}

const text = (x: number, y: number, words: string, anchor: string): string =>
  `<text class="text" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`;
const escaped = (words: string): string => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const round = (value: number): number => Math.round(value * 10) / 10;
const number = (value: number): string => String(Number(value.toPrecision(3)));
