import { type Imports, type Layers, layered, of, type Piece } from './room-layers.ts';

const width = 1280;
const margin = 32;
const box = { height: 62, gap: 14, bend: 26, round: 10 };
const rowStep = 140;
const firstRow = 118;

/** Six hues that tell lines apart on a dark and on a light ground. */
const hues = ['#3b82f6', '#e0632f', '#12a07a', '#a35cdc', '#d39a0c', '#e0457b'];

const style = `
  .ground { fill: #ffffff; stroke: #d5dbe3 } .title { fill: #18212c } .text { fill: #4a5868 } .box { fill: #f4f6f9; stroke: #c6cfda }
  .stage { fill: #ffffff } .band { fill: #eaf1fb; stroke: #b9cdec } path { fill: none; stroke-width: 1.8 } .core { fill: #8494a6; stroke: #8494a6 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #10161f; stroke: #2a3442 } .title { fill: #eef3f8 } .text { fill: #a3b1c2 } .box { fill: #1a2330; stroke: #3a4759 }
    .stage { fill: #1f2a39 } .band { fill: #17263d; stroke: #2f4a73 }
  }`;

interface Frame {
  /** Middle of the box. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/**
 * The rooms and their imports as SVG. Every line goes down, from a room to one that it imports; lines that follow from others are
 * left out. It brings its own colours for dark and for light pages.
 */
export function roomsPicture(imports: Imports, contents: Readonly<Record<string, string>>): string {
  const layers = layered(imports);
  const frames = place(layers);
  const height = firstRow + (layers.rows.length - 1) * rowStep + box.height + 74;
  const stages = Object.keys(imports).filter((name) => !name.startsWith('core/'));
  const lines = layers.pieces.map((piece) => {
    const colour = hues[stages.indexOf(piece.origin) % hues.length];
    return line(ends(piece, layers.pieces, frames), colour ? `stroke="${colour}" fill="${colour}"` : 'class="core"');
  });
  const rooms = Object.keys(imports).map((name) => room(name, contents[name] ?? '', of(frames, name)));
  const note = 'A line goes down from a room to one that it imports. Lines that follow from others are left out.';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, -apple-system, 'Segoe UI', sans-serif">`,
    '<title>The rooms of Gapline and what they import</title>',
    `<style>${style}\n</style>`,
    `<rect class="ground" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="14"/>`,
    ...band(contents.cli ?? ''),
    ...lines,
    ...rooms,
    `<text class="text" x="${width / 2}" y="${height - 22}" font-size="13" text-anchor="middle">${note}</text>`,
    '</svg>\n',
  ].join('\n');
}

/** The command line, which stands over all rooms. */
function band(content: string): string[] {
  return [
    `<rect class="band" x="${margin}" y="28" width="${width - 2 * margin}" height="56" rx="${box.round}"/>`,
    `<text class="title" x="${width / 2}" y="52" font-size="16" font-weight="600" text-anchor="middle">cli/</text>`,
    `<text class="text" x="${width / 2}" y="72" font-size="12.5" text-anchor="middle">${escaped(content)}</text>`,
  ];
}

/** Boxes of a layer share its width; the layer of one room alone is as wide as the picture. */
function place({ rows }: Layers): Map<string, Frame> {
  const frames = new Map<string, Frame>();
  rows.forEach((row, layer) => {
    const rooms = row.filter(({ bend }) => !bend).length;
    const gaps = (row.length - 1) * box.gap + (row.length - rooms) * box.bend;
    const each = (width - 2 * margin - gaps) / rooms;
    let left = margin;
    for (const { name, bend } of row) {
      const own = bend ? box.bend : each;
      frames.set(name, { x: left + own / 2, y: firstRow + layer * rowStep + box.height / 2, width: bend ? 0 : each });
      left += own + box.gap;
    }
  });
  return frames;
}

interface Ends {
  readonly from: { readonly x: number; readonly y: number };
  readonly to: { readonly x: number; readonly y: number };
  /** Whether the line ends here or only passes a layer. */
  readonly last: boolean;
}

/** Where a piece of a line begins and ends: side by side with the others of the same box, in their order. */
function ends(piece: Piece, pieces: readonly Piece[], frames: ReadonlyMap<string, Frame>): Ends {
  const [upper, lower] = [of(frames, piece.from), of(frames, piece.to)];
  const beside = (end: 'from' | 'to', other: 'from' | 'to') =>
    pieces
      .filter((each) => each[end] === piece[end])
      .sort((a, b) => of(frames, a[other]).x - of(frames, b[other]).x || a.from.localeCompare(b.from));
  const offset = (all: readonly Piece[], step: number) => (all.indexOf(piece) - (all.length - 1) / 2) * step;
  const startX = upper.x + offset(beside('from', 'to'), 20);
  // Into the room that is as wide as the picture every line goes straight down.
  const endX = lower.width > width / 2 ? startX : lower.x + offset(beside('to', 'from'), 30);
  return {
    from: { x: startX, y: upper.y + box.height / 2 },
    to: { x: endX, y: lower.y - box.height / 2 },
    last: lower.width > 0,
  };
}

function line({ from, to, last }: Ends, colour: string): string {
  const middle = (from.y + to.y) / 2;
  const [x, end] = [round(to.x), to.y];
  const past = last ? '' : `V${end + box.height}`;
  const dot = last ? `<circle cx="${x}" cy="${end}" r="3.4"/>` : '';
  const path = `M${round(from.x)} ${from.y}C${round(from.x)} ${middle} ${x} ${middle} ${x} ${end}${past}`;
  return `<g ${colour}><path d="${path}"/>${dot}</g>`;
}

function room(name: string, content: string, { x, y, width: own }: Frame): string {
  const stage = name.startsWith('core/') ? 'box' : 'box stage';
  const left = round(x - own / 2);
  const top = y - box.height / 2;
  return [
    `<rect class="${stage}" x="${left}" y="${top}" width="${round(own)}" height="${box.height}" rx="${box.round}"/>`,
    `<text class="title" x="${round(x)}" y="${top + 24}" font-size="15" font-weight="600" text-anchor="middle">${escaped(name)}/</text>`,
    ...wrapped(content, own / 6.9).map(
      (text, index, all) =>
        `<text class="text" x="${round(x)}" y="${top + (all.length === 1 ? 45 : 40 + index * 14)}" font-size="11.5" text-anchor="middle">${escaped(text)}</text>`,
    ),
  ].join('');
}

/** In at most two lines of about so many letters. */
function wrapped(text: string, letters: number): string[] {
  if (text.length <= letters) return [text];
  const middle = text.length / 2;
  const spaces = [...text.matchAll(/ /g)].map(({ index }) => index);
  const cut = spaces.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle))[0] ?? text.length;
  return [text.slice(0, cut), text.slice(cut + 1)];
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
