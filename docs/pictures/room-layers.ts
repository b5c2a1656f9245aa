import { elementAt } from '../../core/numeric/element.ts';

/** By room, which rooms it imports. */
export type Imports = Readonly<Record<string, readonly string[]>>;

/** A room, or a bend of a line that passes a layer. */
export interface Spot {
  /** The room; a bend has the two ends of its line, `FROM → TO`. */
  readonly name: string;
  readonly bend: boolean;
}

/** One piece of a line, from a layer to the next one below. */
export interface Piece {
  readonly from: string;
  readonly to: string;
  /** The room at the upper end of the whole line. */
  readonly origin: string;
}

export interface Layers {
  /** From the top down; in each layer from left to right. */
  readonly rows: readonly (readonly Spot[])[];
  readonly pieces: readonly Piece[];
}

/** What a map holds of a name. @throws {Error} where it holds nothing: the table of imports names a room that it does not have. */
export function of<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`no room is named ${name}`);
  return found;
}

/** The imports that do not follow from others: a room that is reached through another needs no line of its own. */
export function reduced(imports: Imports): [from: string, to: string][] {
  const reach = (from: string): Set<string> => new Set((imports[from] ?? []).flatMap((next) => [next, ...reach(next)]));
  return Object.entries(imports).flatMap(([from, targets]) =>
    targets
      .filter((to) => !targets.some((other) => other !== to && reach(other).has(to)))
      .map((to): [string, string] => [from, to]),
  );
}

/**
 * Puts the rooms in layers, so that every line goes down, and orders each layer so that few lines cross. Rooms that nobody imports
 * stand on top. After K. Sugiyama, S. Tagawa and M. Toda, Methods for visual understanding of hierarchical system structures, 1981.
 */
export function layered(imports: Imports): Layers {
  const lines = reduced(imports);
  const depth = depths(imports, lines);
  const rows: Spot[][] = Array.from({ length: Math.max(...depth.values()) + 1 }, () => []);
  for (const name of Object.keys(imports)) elementAt(rows, of(depth, name)).push({ name, bend: false });
  const pieces: Piece[] = [];
  for (const [from, to] of lines) {
    let upper = from;
    for (let row = of(depth, from) + 1; row < of(depth, to); row++) {
      const name = `${from} → ${to} ${row}`;
      elementAt(rows, row).push({ name, bend: true });
      pieces.push({ from: upper, to: name, origin: from });
      upper = name;
    }
    pieces.push({ from: upper, to, origin: from });
  }
  return { rows: untangled(rows, pieces), pieces };
}

/** By room, how many layers it stands below the top: just below the lowest room that imports it. */
function depths(imports: Imports, lines: readonly (readonly [string, string])[]): Map<string, number> {
  const depth = new Map(Object.keys(imports).map((name) => [name, 0]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const [from, to] of lines) {
      if (of(depth, to) > of(depth, from)) continue;
      depth.set(to, of(depth, from) + 1);
      changed = true;
    }
  }
  return depth;
}

/** Swaps neighbours while that takes away crossings, from the order by the mean place of what each spot is tied to. */
function untangled(rows: readonly Spot[][], pieces: readonly Piece[]): Spot[][] {
  let best = rows.map((row) => [...row]);
  let fewest = crossings(best, pieces);
  let current = best;
  for (let sweep = 0; sweep < 24; sweep++) {
    current = byMeanPlace(current, pieces, sweep % 2 === 0);
    swapNeighbours(current, pieces);
    const count = crossings(current, pieces);
    if (count >= fewest) continue;
    fewest = count;
    best = current.map((row) => [...row]);
  }
  return best;
}

function byMeanPlace(rows: readonly Spot[][], pieces: readonly Piece[], down: boolean): Spot[][] {
  const place = new Map(rows.flatMap((row) => row.map(({ name }, at) => [name, at / row.length] as const)));
  return rows.map((row) => {
    const mean = ({ name }: Spot): number => {
      const tied = pieces
        .filter((piece) => (down ? piece.to : piece.from) === name)
        .map((piece) => of(place, down ? piece.from : piece.to));
      return tied.length === 0 ? of(place, name) : tied.reduce((a, b) => a + b, 0) / tied.length;
    };
    return row
      .map((spot) => ({ spot, at: mean(spot) }))
      .sort((a, b) => a.at - b.at)
      .map(({ spot }) => spot);
  });
}

function swapNeighbours(rows: Spot[][], pieces: readonly Piece[]): void {
  let count = crossings(rows, pieces);
  for (let better = true; better; ) {
    better = false;
    for (const row of rows) {
      for (let at = 0; at + 1 < row.length; at++) {
        swap(row, at);
        const now = crossings(rows, pieces);
        if (now < count) {
          count = now;
          better = true;
        } else swap(row, at);
      }
    }
  }
}

/** Exchanges a spot with the next one. */
function swap(row: Spot[], at: number): void {
  row.splice(at, 2, ...row.slice(at, at + 2).reverse());
}

/** How many pairs of pieces cross. */
export function crossings(rows: readonly (readonly Spot[])[], pieces: readonly Piece[]): number {
  const place = new Map(rows.flatMap((row, layer) => row.map(({ name }, at) => [name, { layer, at }] as const)));
  const ends = pieces.map(({ from, to }) => ({ from: of(place, from), to: of(place, to) }));
  let count = 0;
  ends.forEach((one, index) => {
    for (const other of ends.slice(index + 1)) {
      if (one.from.layer !== other.from.layer) continue;
      if ((one.from.at - other.from.at) * (one.to.at - other.to.at) < 0) count += 1;
    }
  });
  return count;
}
