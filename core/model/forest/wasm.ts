/**
 * Just enough of WebAssembly's binary format to write a kernel as nested expressions: an expression is the bytes that
 * leave its value on the stack. https://webassembly.github.io/spec/core/binary/
 */
export type Code = readonly number[];

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  load: (address: Code, offset = 0): Code => [...address, 0x28, 2, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x36, 2, ...unsigned(offset)],
  add: (a: Code, b: Code): Code => [...a, ...b, 0x6a],
  multiply: (a: Code, b: Code): Code => [...a, ...b, 0x6c],
  or: (a: Code, b: Code): Code => [...a, ...b, 0x72],
  shiftLeft: (a: Code, bits: number): Code => [...a, ...i32.constant(bits), 0x74],
  equal: (a: Code, b: Code): Code => [...a, ...b, 0x46],
  notEqual: (a: Code, b: Code): Code => [...a, ...b, 0x47],
  less: (a: Code, b: Code): Code => [...a, ...b, 0x49],
};

export const f64 = {
  load: (address: Code, offset = 0): Code => [...address, 0x2b, 3, ...unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x39, 3, ...unsigned(offset)],
  add: (a: Code, b: Code): Code => [...a, ...b, 0xa0],
  atLeast: (a: Code, b: Code): Code => [...a, ...b, 0x66],
};

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

/** A function without a result. All parameters and locals are i32. */
export interface WasmFunction {
  readonly name: string;
  readonly parameters: number;
  readonly locals: number;
  readonly body: readonly Code[];
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

/** A module that exports the functions and imports its memory as `memory.memory`. */
export function wasmModule(functions: readonly WasmFunction[]): WebAssembly.Module {
  const i32Type = 0x7f;
  const types = functions.map(({ parameters }) => [0x60, ...vector(new Array(parameters).fill([i32Type])), 0]);
  const bodies = functions.map(({ locals, body }) => {
    const code = [...vector([[...unsigned(locals), i32Type]]), ...body.flat(), 0x0b];
    return [...unsigned(code.length), ...code];
  });
  const memory = [...name('memory'), ...name('memory'), ...[0x02, 0x00, 1]];
  return new WebAssembly.Module(
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, types),
      ...section(2, [memory]),
      ...section(
        3,
        functions.map((_, index) => unsigned(index)),
      ),
      ...section(
        7,
        functions.map((each, index) => [...name(each.name), 0x00, ...unsigned(index)]),
      ),
      ...section(10, bodies),
    ]),
  );
}

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const name = (text: string): Code => vector(Array.from(new TextEncoder().encode(text), (byte) => [byte]));

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -0x40 || rest > 0x3f; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest & 0x7f];
}
