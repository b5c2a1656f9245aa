import { pageBytes } from '../../numeric/arena.ts';
import {
  add,
  type Code,
  Frame,
  f64,
  get,
  i32,
  i64,
  type Local,
  repeat,
  repeatWhile,
  set,
  type WasmFunction,
  wasmModule,
  when,
} from '../../numeric/wasm.ts';

/** Rows of a node are held as `row | draws << rowBits`: a bootstrap draws some rows more than once. */
export const rowBits = 27;
export const rowMask = (1 << rowBits) - 1;
export const mostDraws = (1 << (32 - rowBits)) - 1;

/** One byte a bin. */
export const seenBytes = 256;

/** Where `scan` writes the best split: the offsets of its fields, the score being an f64 and the others i32. */
export const bestAt = { score: 0, feature: 8, bin: 12, nextBin: 16, leftRows: 20, rows: 24 } as const;
export const bestBytes = 32;

/** Addresses of what the kernel works on, and what is the same for every node of every tree. */
export interface GrowLayout {
  /** Rows drawn (i32) by code, and one byte a bin: 1 where the histogram holds anything. All zero between calls. */
  readonly histogram: number;
  readonly seen: number;
  /** By class: draws (i32) in the node; weight (f64) of those whose value is known; and what lies on either side. */
  readonly draws: number;
  readonly known: number;
  readonly left: number;
  readonly right: number;
  /** By class: the weight (f64) of one row. */
  readonly classWeights: number;
  readonly best: number;
  /** Room for the samples that go right, and for the codes of near rows. */
  readonly goRight: number;
  readonly near: number;
  /** Row-major codes of all rows. */
  readonly rowCodes: number;
  readonly width: number;
  readonly classes: number;
  /** Bits of a code that hold the class. */
  readonly shift: number;
  readonly minSamplesLeaf: number;
  readonly extraTrees: boolean;
}

/** The hot loops of growing a tree. Parameters are addresses in bytes unless noted otherwise. */
export interface GrowKernel {
  /** Sets `draws` to the node's draws by class. `column` is any column of codes. */
  countClasses(samples: number, end: number, column: number): void;
  /** Adds a column's codes to the histogram. */
  count(samples: number, end: number, column: number): void;
  /**
   * Moves bin after bin from right to left, keeps the best place between two in `best` if it is better than what is
   * there, and leaves the histogram empty. `rows`, `weight` and `squares` are of the rows whose value is known;
   * `handicap` is added to the scores; extra trees cut below the bin `cut` only. Returns how many bins were seen.
   */
  scan(feature: number, rows: number, weight: number, squares: number, handicap: number, cut: number): number;
  /** Brings the samples whose code is below `bound` to the front, both sides in their old order; returns their end. */
  partition(samples: number, end: number, column: number, bound: number): number;
  /** Copies the rows' codes to `near`, column-major; the samples are numbers in that copy from then on. */
  bringNear(samples: number, end: number): void;
}

export function instantiateGrowKernel(memory: WebAssembly.Memory, layout: GrowLayout): GrowKernel {
  const functions = [countClasses(layout), count(layout), scan(layout), partition(layout), bringNear(layout)];
  const sharedPages = memory.buffer.byteLength / pageBytes;
  const module = wasmModule(functions, { sharedPages });
  return new WebAssembly.Instance(module, { memory: { memory } }).exports as unknown as GrowKernel;
}

const row = (sample: Local) => i32.and(get(sample), i32.constant(rowMask));
const drawsOf = (sample: Local) => i32.shiftRight(get(sample), rowBits);
const codeOf = (column: Local, sample: Local) => i32.load16(i32.add(get(column), i32.shiftLeft(row(sample), 1)));
const increase = (address: Code, by: Code, offset: number) =>
  i32.store(address, i32.add(i32.load(address, offset), by), offset);

/** Does the body for each sample from `at` to `end`; there is at least one. */
function eachSample(at: Local, end: Local, sample: Local, body: readonly Code[]): Code {
  return repeat(
    [set(sample, i32.load(get(at))), ...body, add(at, i32.constant(4))],
    i32.lessUnsigned(get(at), get(end)),
  );
}

function countClasses({ draws, classes, shift }: GrowLayout): WasmFunction {
  const frame = new Frame();
  const [at, end, column] = [frame.parameter('i32'), frame.parameter('i32'), frame.parameter('i32')];
  const [sample, label] = [frame.local('i32'), frame.local('i32')];
  const labelMask = (1 << shift) - 1;
  return frame.function('countClasses', [
    repeat(
      [i32.store(get(label), i32.constant(0), draws), add(label, i32.constant(4))],
      i32.less(get(label), i32.constant(classes * 4)),
    ),
    eachSample(at, end, sample, [
      set(label, i32.shiftLeft(i32.and(codeOf(column, sample), i32.constant(labelMask)), 2)),
      increase(get(label), drawsOf(sample), draws),
    ]),
  ]);
}

function count({ histogram, seen, shift }: GrowLayout): WasmFunction {
  const frame = new Frame();
  const [at, end, column] = [frame.parameter('i32'), frame.parameter('i32'), frame.parameter('i32')];
  const [sample, code, cell] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  return frame.function('count', [
    eachSample(at, end, sample, [
      set(code, codeOf(column, sample)),
      set(cell, i32.shiftLeft(get(code), 2)),
      increase(get(cell), drawsOf(sample), histogram),
      i32.store8(i32.shiftRight(get(code), shift), i32.constant(1), seen),
    ]),
  ]);
}

function scan(layout: GrowLayout): WasmFunction {
  const { best, shift, minSamplesLeaf, extraTrees } = layout;
  const frame = new Frame();
  const [feature, rows, weight] = [frame.parameter('i32'), frame.parameter('i32'), frame.parameter('f64')];
  const [squares, handicap, cut] = [frame.parameter('f64'), frame.parameter('f64'), frame.parameter('i32')];
  const [word, bin, previous, cell] = [frame.local('i32'), frame.local('i32'), frame.local('i32'), frame.local('i32')];
  const [bins, most, leftRows] = [frame.local('i32'), frame.local('i32'), frame.local('i32')];
  const bits = frame.local('i64');
  const [leftWeight, leftSquares, score, bestScore] = [
    frame.local('f64'),
    frame.local('f64'),
    frame.local('f64'),
    frame.local('f64'),
  ];
  const zero = i32.constant(0);
  const leaves = i32.and(i32.atMost(i32.constant(minSamplesLeaf), get(leftRows)), i32.atMost(get(leftRows), get(most)));
  const sides = f64.add(
    f64.divide(get(leftSquares), get(leftWeight)),
    f64.divide(get(squares), f64.subtract(get(weight), get(leftWeight))),
  );
  const atCut = i32.and(i32.less(get(previous), get(cut)), i32.atMost(get(cut), get(bin)));
  const consider = when(extraTrees ? i32.and(leaves, atCut) : leaves, [
    set(score, f64.add(sides, get(handicap))),
    when(f64.greater(get(score), get(bestScore)), [
      set(bestScore, get(score)),
      f64.store(zero, get(score), best + bestAt.score),
      i32.store(zero, get(feature), best + bestAt.feature),
      i32.store(zero, get(previous), best + bestAt.bin),
      i32.store(zero, get(bin), best + bestAt.nextBin),
      i32.store(zero, get(leftRows), best + bestAt.leftRows),
      i32.store(zero, get(rows), best + bestAt.rows),
    ]),
  ]);
  const lowestByte = i32.shiftRight(i64.trailingZeros(get(bits)), 3);
  const eachBin = [
    set(bin, i32.add(get(word), lowestByte)),
    set(bits, i64.and(get(bits), i64.subtract(get(bits), i64.constant(1)))),
    consider,
    set(previous, get(bin)),
    add(bins, i32.constant(1)),
    set(cell, i32.shiftLeft(get(bin), shift + 2)),
    ...moveLeft(frame, layout, { cell, leftRows, leftWeight, leftSquares, squares }),
  ];
  return frame.function(
    'scan',
    [
      ...putAllRight(layout),
      set(bestScore, f64.load(zero, best + bestAt.score)),
      set(most, i32.subtract(get(rows), i32.constant(minSamplesLeaf))),
      overSeenBins(layout, { word, bits }, eachBin),
      get(bins),
    ],
    'i32',
  );
}

/** Before the first bin every known row lies on the right. */
function putAllRight({ known, left, right, classes }: GrowLayout): Code[] {
  const zero = i32.constant(0);
  return Array.from({ length: classes }, (_, label) => [
    f64.store(zero, f64.constant(0), left + label * 8),
    f64.store(zero, f64.load(zero, known + label * 8), right + label * 8),
  ]).flat();
}

/** Does the body for each bin that was seen, eight bytes of marks at a time, and clears the marks. The body takes a bit off `bits`. */
function overSeenBins(
  { seen }: GrowLayout,
  { word, bits }: Record<'word' | 'bits', Local>,
  body: readonly Code[],
): Code {
  const anyBit = i32.isZero(i64.isZero(get(bits)));
  return repeat(
    [
      set(bits, i64.load(get(word), seen)),
      when(anyBit, [i64.store(get(word), i64.constant(0), seen), repeat(body, anyBit)]),
      add(word, i32.constant(8)),
    ],
    i32.less(get(word), i32.constant(seenBytes)),
  );
}

/** Moves a bin's rows of each class from right to left: `(l + m)^2 = l^2 + m (2 l + m)` and `(r - m)^2 = r^2 + m (m - 2 r)`. */
function moveLeft(
  frame: Frame,
  { histogram, left, right, classes, classWeights }: GrowLayout,
  sums: Record<'cell' | 'leftRows' | 'leftWeight' | 'leftSquares' | 'squares', Local>,
): Code[] {
  const { cell, leftRows, leftWeight, leftSquares, squares } = sums;
  const [draws, label] = [frame.local('i32'), frame.local('i32')];
  const [moved, before] = [frame.local('f64'), frame.local('f64')];
  const twice = (value: Code) => f64.multiply(f64.constant(2), value);
  const moveClass = (drawn: Code, empty: Code, sum: Code, at: number) => [
    set(draws, drawn),
    when(get(draws), [
      empty,
      add(leftRows, get(draws)),
      set(moved, f64.multiply(f64.fromI32(get(draws)), f64.load(sum, classWeights + at))),
      add(leftWeight, get(moved)),
      set(before, f64.load(sum, left + at)),
      add(leftSquares, f64.multiply(get(moved), f64.add(twice(get(before)), get(moved)))),
      f64.store(sum, f64.add(get(before), get(moved)), left + at),
      set(before, f64.load(sum, right + at)),
      add(squares, f64.multiply(get(moved), f64.subtract(get(moved), twice(get(before))))),
      f64.store(sum, f64.subtract(get(before), get(moved)), right + at),
    ]),
  ];
  if (classes <= 4) {
    return Array.from({ length: classes }, (_, each) => {
      const at = histogram + each * 4;
      return moveClass(i32.load(get(cell), at), i32.store(get(cell), i32.constant(0), at), i32.constant(0), each * 8);
    }).flat();
  }
  return [
    set(label, i32.constant(0)),
    repeat(
      [
        ...moveClass(i32.load(get(cell), histogram), i32.store(get(cell), i32.constant(0), histogram), get(label), 0),
        add(cell, i32.constant(4)),
        add(label, i32.constant(8)),
      ],
      i32.less(get(label), i32.constant(classes * 8)),
    ),
  ];
}

function partition({ goRight }: GrowLayout): WasmFunction {
  const frame = new Frame();
  const [at, end, column, bound] = [
    frame.parameter('i32'),
    frame.parameter('i32'),
    frame.parameter('i32'),
    frame.parameter('i32'),
  ];
  const [sample, goesLeft, left, right] = [
    frame.local('i32'),
    frame.local('i32'),
    frame.local('i32'),
    frame.local('i32'),
  ];
  const [copied, back] = [frame.local('i32'), frame.local('i32')];
  return frame.function(
    'partition',
    [
      set(left, get(at)),
      set(right, i32.constant(goRight)),
      eachSample(at, end, sample, [
        set(goesLeft, i32.less(codeOf(column, sample), get(bound))),
        i32.store(get(left), get(sample)),
        i32.store(get(right), get(sample)),
        add(left, i32.shiftLeft(get(goesLeft), 2)),
        add(right, i32.shiftLeft(i32.isZero(get(goesLeft)), 2)),
      ]),
      set(back, get(left)),
      set(copied, i32.constant(goRight)),
      repeatWhile(i32.lessUnsigned(get(copied), get(right)), [
        i32.store(get(back), i32.load(get(copied))),
        add(back, i32.constant(4)),
        add(copied, i32.constant(4)),
      ]),
      get(left),
    ],
    'i32',
  );
}

function bringNear({ near, rowCodes, width }: GrowLayout): WasmFunction {
  const frame = new Frame();
  const [at, end] = [frame.parameter('i32'), frame.parameter('i32')];
  const [sample, from, fromEnd, to] = [frame.local('i32'), frame.local('i32'), frame.local('i32'), frame.local('i32')];
  const [number, columnBytes] = [frame.local('i32'), frame.local('i32')];
  return frame.function('bringNear', [
    set(columnBytes, i32.shiftRight(i32.subtract(get(end), get(at)), 1)),
    eachSample(at, end, sample, [
      set(from, i32.multiply(row(sample), i32.constant(width * 2))),
      set(fromEnd, i32.add(get(from), i32.constant(width * 2))),
      set(to, i32.shiftLeft(get(number), 1)),
      repeat(
        [
          i32.store16(get(to), i32.load16(get(from), rowCodes), near),
          add(to, get(columnBytes)),
          add(from, i32.constant(2)),
        ],
        i32.lessUnsigned(get(from), get(fromEnd)),
      ),
      i32.store(get(at), i32.or(get(number), i32.and(get(sample), i32.constant(~rowMask)))),
      add(number, i32.constant(1)),
    ]),
  ]);
}
