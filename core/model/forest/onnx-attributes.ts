import type { Message } from './protobuf.ts';

/** An operator's attributes by name (AttributeProto: 2 float, 3 integer, 4 string, 5 tensor, 7 to 9 lists of those). */
export class Attributes {
  readonly #byName: ReadonlyMap<string, Message>;

  constructor(operator: Message) {
    this.#byName = new Map(operator.messages(5).map((attribute) => [attribute.string(1) ?? '', attribute]));
  }

  integer(name: string): number | undefined {
    return this.#byName.get(name)?.integer(3);
  }

  integers(name: string): number[] {
    return this.#byName.get(name)?.integers(8) ?? [];
  }

  /** A 32-bit float. */
  number(name: string): number | undefined {
    return this.#byName.get(name)?.floats(2).at(-1);
  }

  string(name: string): string | undefined {
    return this.#byName.get(name)?.string(4);
  }

  strings(name: string): string[] {
    return this.#byName.get(name)?.strings(9) ?? [];
  }

  /** 32-bit floats, or, under the name with `_as_tensor`, a tensor of 64-bit ones (TensorProto: 10, or raw in 9). */
  numbers(name: string): number[] {
    const tensor = this.#byName.get(`${name}_as_tensor`)?.message(5);
    return tensor ? tensorNumbers(tensor) : (this.#byName.get(name)?.floats(7) ?? []);
  }
}

/** The 32-bit or 64-bit floats of a tensor (TensorProto: 2 type, 4 or 10 the numbers, or raw in 9); none of another type. */
export function tensorNumbers(tensor: Message): number[] {
  const [floatType, doubleType] = [1, 11];
  const type = tensor.integer(2);
  if (type !== floatType && type !== doubleType) return [];
  const listed = type === floatType ? tensor.floats(4) : tensor.doubles(10);
  return listed.length > 0 ? listed : type === floatType ? tensor.floats(9) : tensor.doubles(9);
}
