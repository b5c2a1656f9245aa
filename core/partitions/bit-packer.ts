import {
  add,
  type Code,
  Frame,
  get,
  i32,
  i64,
  type Local,
  parameters,
  repeatWhile,
  set,
  type WasmFunction,
  wasmModule,
} from '../numeric/wasm.ts';

/** Numbers that are packed at a time. */
export const packedAtOnce = 4_096;
/** Of more bits, four numbers would not leave room in a word of 64. */
export const mostPackedBits = 15;

const groupSize = 8;
const halfGroup = groupSize / 2;
const numberBytes = 2;
const wordBytes = 8;
const packedAt = packedAtOnce * numberBytes;

type Pack = (numbers: number, numbersEnd: number, into: number, width: number) => void;

let module: WebAssembly.Module | undefined;

/** Packs whole numbers without gaps between them, the first one in the lowest bits, in WebAssembly. */
export class BitPacker {
  readonly #numbers: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #pack: Pack;

  constructor() {
    module ??= wasmModule([packGroups()]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { packGroups: pack } = new WebAssembly.Instance(module, { memory: { memory } }).exports;
    this.#numbers = new Uint16Array(memory.buffer, 0, packedAtOnce);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#pack = pack as Pack;
  }

  /**
   * Packs {@link packedAtOnce} numbers at most, each of {@link mostPackedBits} at most; the last group of eight is filled up with zeros.
   * @returns the bytes, valid until the next call
   */
  pack(numbers: Uint16Array, width: number): Uint8Array {
    const groups = Math.ceil(numbers.length / groupSize);
    this.#numbers.set(numbers);
    this.#numbers.fill(0, numbers.length, groups * groupSize);
    this.#pack(0, groups * groupSize * numberBytes, packedAt, width);
    return this.#bytes.subarray(packedAt, packedAt + groups * width);
  }
}

/** Each group of eight writes two words, of which the next group writes over what it did not fill. */
function packGroups(): WasmFunction {
  const frame = new Frame();
  const [numbers, end, into, width] = parameters(frame, 4) as [Local, Local, Local, Local];
  const shifts = Array.from({ length: halfGroup + 1 }, () => frame.local('i64'));
  const [low, high] = [frame.local('i64'), frame.local('i64')];
  const [first, , , , ofHalf] = shifts as [Local, Local, Local, Local, Local];
  const half = (from: number): Code =>
    shifts
      .slice(0, halfGroup)
      .map((shift, index) => i64.shiftLeft(i64.load16(get(numbers), (from + index) * numberBytes), get(shift)))
      .reduce(i64.or);
  const body = [
    set(low, half(0)),
    set(high, half(halfGroup)),
    i64.store(get(into), i64.or(get(low), i64.shiftLeft(get(high), get(ofHalf)))),
    i64.store(get(into), i64.shiftRightUnsigned(get(high), i64.subtract(i64.constant(64), get(ofHalf))), wordBytes),
    add(numbers, i32.constant(groupSize * numberBytes)),
    add(into, get(width)),
  ];
  return frame.function('packGroups', [
    set(first, i64.constant(0)),
    ...shifts
      .slice(1)
      .map((shift, index) => set(shift, i64.fromI32(i32.multiply(get(width), i32.constant(index + 1))))),
    repeatWhile(i32.lessUnsigned(get(numbers), get(end)), body),
  ]);
}
