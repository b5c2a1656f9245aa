/**
 * A builder of WebAssembly modules: functions are written as nested expressions. An expression is the bytes that leave its value on
 * the stack, a statement the bytes that leave nothing. It has the instructions that our kernels use, no more.
 * https://webassembly.github.io/spec/core/binary/
 */
export type Code = readonly number[];

export type ValueType = 'i32' | 'i64' | 'f64' | 'v128';

const typeCodes = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;

/** A parameter or a local variable. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** A function under construction: hands out its variables, parameters first. */
export class Frame {
  readonly parameters: ValueType[] = [];
  readonly locals: ValueType[] = [];
  readonly #first: Code[] = [];

  parameter(type: ValueType): Local {
    this.parameters.push(type);
    return { index: this.parameters.length - 1, type };
  }

  local(type: ValueType): Local {
    this.locals.push(type);
    return { index: this.parameters.length + this.locals.length - 1, type };
  }

  /** A constant of 16 bytes that is made once: where it stands in a loop, V8 makes it anew each time. */
  constant(value: Code): Code {
    const local = this.local('v128');
    this.#first.push(set(local, value));
    return get(local);
  }

  /** With `result`, the last statement is an expression of that type. */
  function(name: string, body: readonly Code[], result?: ValueType): WasmFunction {
    const type = [
      0x60,
      ...vector(this.parameters.map((each) => [typeCodes[each]])),
      ...vector(result ? [[typeCodes[result]]] : []),
    ];
    const code = [
      ...vector(this.locals.map((each) => [1, typeCodes[each]])),
      ...this.#first.flat(),
      ...body.flat(),
      0x0b,
    ];
    return { name, parameters: this.parameters.length, type, code };
  }
}

/** So many parameters of 32 bits: addresses, as a rule. */
export const parameters = (frame: Frame, count: number): Local[] =>
  Array.from({ length: count }, () => frame.parameter('i32'));

export interface WasmFunction {
  readonly name: string;
  /** How many. */
  readonly parameters: number;
  readonly type: Code;
  readonly code: Code;
}

const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, opcode];
const load =
  (opcode: number, align: number) =>
  (address: Code, offset = 0): Code => [...address, opcode, align, ...unsigned(offset)];
const store =
  (opcode: number, align: number) =>
  (address: Code, value: Code, offset = 0): Code => [...address, ...value, opcode, align, ...unsigned(offset)];

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  load: load(0x28, 2),
  load8: load(0x2d, 0),
  load16: load(0x2f, 1),
  store: store(0x36, 2),
  store8: store(0x3a, 0),
  store16: store(0x3b, 1),
  add: binary(0x6a),
  subtract: binary(0x6b),
  multiply: binary(0x6c),
  divideUnsigned: binary(0x6e),
  remainderUnsigned: binary(0x70),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shiftLeft: (a: Code, bits: number): Code => [...a, ...i32.constant(bits), 0x74],
  shiftRight: (a: Code, bits: number): Code => [...a, ...i32.constant(bits), 0x76],
  equal: binary(0x46),
  notEqual: binary(0x47),
  less: binary(0x48),
  lessUnsigned: binary(0x49),
  atMost: binary(0x4c),
  isZero: (a: Code): Code => [...a, 0x45],
  /** How many zero bits stand below the lowest one. */
  trailingZeros: (a: Code): Code => [...a, 0x68],
};

export const i64 = {
  /** Of 32 bits. */
  constant: (value: number): Code => [0x42, ...signed(value)],
  /** Of 64 bits, without a sign. */
  bits: (value: bigint): Code => [0x42, ...signed64(BigInt.asIntN(64, value))],
  load: load(0x29, 3),
  load16: load(0x33, 1),
  store: store(0x37, 3),
  add: binary(0x7c),
  subtract: binary(0x7d),
  multiply: binary(0x7e),
  divideUnsigned: binary(0x80),
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  /** By so many bits, an i64 as well. */
  shiftLeft: binary(0x86),
  shiftRightUnsigned: binary(0x88),
  equal: binary(0x51),
  lessUnsigned: binary(0x54),
  isZero: (a: Code): Code => [...a, 0x50],
  /** The lower half, as an i32. */
  low: (a: Code): Code => [...a, 0xa7],
  /** Of an i32 without a sign. */
  fromI32: (a: Code): Code => [...a, 0xad],
  /** How many zero bits stand below the lowest one, as an i32. */
  trailingZeros: (a: Code): Code => [...a, 0x7a, 0xa7],
};

export const f64 = {
  constant: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  load: load(0x2b, 3),
  store: store(0x39, 3),
  add: binary(0xa0),
  subtract: binary(0xa1),
  multiply: binary(0xa2),
  divide: binary(0xa3),
  atLeast: binary(0x66),
  greater: binary(0x64),
  equal: binary(0x61),
  notEqual: binary(0x62),
  absolute: (a: Code): Code => [...a, 0x99],
  /** To the nearest whole number. */
  nearest: (a: Code): Code => [...a, 0x9e],
  /** Of what is in range, without a fraction, and not negative. */
  toI32: (a: Code): Code => [...a, 0xab],
  fromI32: (a: Code): Code => [...a, 0xb7],
};

export const f32 = {
  store: store(0x38, 2),
  add: binary(0x92),
  divide: binary(0x95),
  fromI32: (a: Code): Code => [...a, 0xb2],
};

const vectorBinary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [...a, ...b, 0xfd, ...unsigned(opcode)];

const vectorUnary =
  (opcode: number) =>
  (a: Code): Code => [...a, 0xfd, ...unsigned(opcode)];

/** Four numbers of 32 bits side by side. */
export const f32x4 = {
  zero: [0xfd, 0x0c, ...new Array<number>(16).fill(0)] as Code,
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, 2, ...unsigned(offset)],
  /** One number, four times. */
  loadSplat: (address: Code, offset = 0): Code => [...address, 0xfd, 0x09, 2, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, 2, ...unsigned(offset)],
  /** One number, four times. */
  constant: (value: number): Code => f32x4.lanes(value, value, value, value),
  lanes: (...values: [number, number, number, number]): Code => [
    ...[0xfd, 0x0c],
    ...new Uint8Array(Float32Array.from(values).buffer),
  ],
  add: vectorBinary(0xe4),
  subtract: vectorBinary(0xe5),
  multiply: vectorBinary(0xe6),
  divide: vectorBinary(0xe7),
  /** Of four whole numbers. */
  fromI32x4: vectorUnary(0xfa),
  /** One number, four times. */
  splat: (a: Code): Code => [...a, 0xfd, 0x13],
  /** All bits of a lane are set where it holds, so that as a whole number it is -1. */
  equal: vectorBinary(0x41),
  greater: vectorBinary(0x44),
  less: vectorBinary(0x43),
  /** To the nearest whole number. */
  nearest: vectorUnary(0x6a),
  /** Down to a whole number. */
  floor: vectorUnary(0x68),
  lane: (a: Code, lane: number): Code => [...a, 0xfd, 0x1f, lane],
};

/** Bits of the first where the mask has ones, else of the second. */
export const bitSelect = (whenSet: Code, otherwise: Code, mask: Code): Code => [
  ...whenSet,
  ...otherwise,
  ...mask,
  ...[0xfd, 0x52],
];

/** Four whole numbers of 32 bits side by side. */
export const i32x4 = {
  zero: f32x4.zero,
  subtract: vectorBinary(0xb1),
  /** Sums of products of two neighbours of eight. */
  dot: vectorBinary(0xba),
  /** Of numbers that are whole; what is too large becomes the largest. */
  fromF32x4: vectorUnary(0xf8),
  /** Sums of two neighbours of eight. */
  sumsOfPairs: vectorUnary(0x7e),
  lane: (a: Code, lane: number): Code => [...a, 0xfd, 0x1b, lane],
};

/** Eight whole numbers of 16 bits side by side. */
export const i16x8 = {
  zero: f32x4.zero,
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, 1, ...unsigned(offset)],
  /** One number, eight times. */
  loadSplat: (address: Code, offset = 0): Code => [...address, 0xfd, 0x08, 1, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, 1, ...unsigned(offset)],
  /** One number, eight times. */
  constant: (value: number): Code => [...[0xfd, 0x0c], ...new Uint8Array(new Int16Array(8).fill(value).buffer)],
  add: vectorBinary(0x8e),
  subtract: vectorBinary(0x91),
  multiply: vectorBinary(0x95),
  greater: vectorBinary(0x31),
  shiftRight: (a: Code, bits: number): Code => [...a, ...i32.constant(bits), 0xfd, ...unsigned(0x8d)],
  /** These numbers, one after the other, as often as they fit. */
  repeated: (...values: number[]): Code => [
    ...[0xfd, 0x0c],
    ...new Uint8Array(Int16Array.from({ length: 8 }, (_, lane) => values[lane % values.length] ?? 0).buffer),
  ],
  /** Of two times four numbers; what is too large becomes the largest. */
  fromI32x4: vectorBinary(0x85),
};

/** Sixteen bytes side by side. */
export const i8x16 = {
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, 0, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, 0, ...unsigned(offset)],
  lanes: (...values: number[]): Code => [0xfd, 0x0c, ...values],
  /** One number, sixteen times. */
  constant: (value: number): Code => [0xfd, 0x0c, ...new Array<number>(16).fill(value)],
  splat: vectorUnary(0x0f),
  add: vectorBinary(0x6e),
  subtract: vectorBinary(0x71),
  equal: vectorBinary(0x23),
  /** The lesser of two numbers without a sign. */
  leastUnsigned: vectorBinary(0x77),
  /** Of numbers with a sign. */
  greater: vectorBinary(0x27),
  /** Of the first those lanes that the second names; zero where it names none. */
  swizzle: vectorBinary(0x0e),
  /** The highest bit of each lane, as an i32. */
  bits: vectorUnary(0x64),
};

/** Bits that are set in both. */
export const bitAnd = vectorBinary(0x4e);

/** Two numbers of 64 bits side by side. */
export const f64x2 = {
  constant: (value: number): Code => f64x2.lanes(value, value),
  lanes: (...values: [number, number]): Code => [...[0xfd, 0x0c], ...new Uint8Array(Float64Array.from(values).buffer)],
  lane: (a: Code, lane: number): Code => [...a, 0xfd, 0x21, lane],
  /** Of the first two of four whole numbers. */
  fromI32x4: vectorUnary(0xfe),
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, 3, ...unsigned(offset)],
  /** One number, twice. */
  loadSplat: (address: Code, offset = 0): Code => [...address, 0xfd, 0x0a, 3, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, 3, ...unsigned(offset)],
  /** Two numbers of 32 bits, made ones of 64. */
  loadFloats: (address: Code, offset = 0): Code => [...address, 0xfd, 0x5d, 2, ...unsigned(offset), 0xfd, 0x5f],
  storeHalf: (address: Code, value: Code, lane: number, offset = 0): Code => [
    ...address,
    ...value,
    0xfd,
    0x5b,
    3,
    ...unsigned(offset),
    lane,
  ],
  add: vectorBinary(0xf0),
  subtract: vectorBinary(0xf1),
  multiply: vectorBinary(0xf2),
};

export const get = ({ index }: Local): Code => [0x20, ...unsigned(index)];
export const set = ({ index }: Local, value: Code): Code => [...value, 0x21, ...unsigned(index)];
const adding = { i32: i32.add, i64: binary(0x7c), f64: f64.add, v128: f32x4.add };
export const add = (local: Local, value: Code): Code => set(local, adding[local.type](get(local), value));

/** `whenTrue` where the condition is not zero. Both are evaluated; there is no branch. */
export const select = (whenTrue: Code, whenFalse: Code, condition: Code): Code => [
  ...whenTrue,
  ...whenFalse,
  ...condition,
  0x1b,
];

/** Does the body, and again as long as the condition is not zero. */
export const repeat = (body: readonly Code[], condition: Code): Code => [
  ...[0x03, 0x40],
  ...body.flat(),
  ...condition,
  ...[0x0d, 0],
  0x0b,
];

/** Does the body if the condition is not zero. */
export const when = (condition: Code, body: readonly Code[]): Code => [
  ...condition,
  ...[0x04, 0x40],
  ...body.flat(),
  0x0b,
];

/** Does the body as long as the condition is not zero, maybe never. */
export const repeatWhile = (condition: Code, body: readonly Code[]): Code => when(condition, [repeat(body, condition)]);

/** Calls the function that stands there in its module. */
export const call = (index: number, ...given: readonly Code[]): Code => [...given.flat(), 0x10, ...unsigned(index)];

/** A module that exports the functions and imports its memory as `memory.memory`. */
export function wasmModule(
  functions: readonly WasmFunction[],
  memory: { readonly sharedPages?: number } = {},
): WebAssembly.Module {
  const limits = memory.sharedPages === undefined ? [0x00, 1] : [0x03, 1, ...unsigned(memory.sharedPages)];
  return new WebAssembly.Module(
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(
        1,
        functions.map(({ type }) => type),
      ),
      ...section(2, [[...name('memory'), ...name('memory'), 0x02, ...limits]]),
      ...section(
        3,
        functions.map((_, index) => unsigned(index)),
      ),
      ...section(
        7,
        functions.map((each, index) => [...name(each.name), 0x00, ...unsigned(index)]),
      ),
      ...section(
        10,
        functions.map(({ code }) => [...unsigned(code.length), ...code]),
      ),
    ]),
  );
}

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): Code {
  return vector(Array.from(new TextEncoder().encode(text), (byte) => [byte]));
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function signed64(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -0x40n || rest > 0x3fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest & 0x7fn)];
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest & 0x7f];
}
