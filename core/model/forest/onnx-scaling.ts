import { tensorNumbers } from './onnx-attributes.ts';
import type { Message } from './protobuf.ts';

/** Operators that only pass values on, or change their type or container. */
const passing = new Set(['Cast', 'Identity', 'ZipMap']);

/** The same, and what stands for a number of the file. */
export const isPassing = (operator: Message): boolean => {
  const kind = operator.string(4) ?? '';
  return passing.has(kind) || kind === 'Constant';
};

/** Operators behind the trees, and what they make of the scores. */
export interface Scaling {
  /** By what the scores are multiplied in all: onnxmltools writes a product by one in the place of a ZipMap. */
  readonly factor: number;
  /** The operators that do that. */
  readonly operators: ReadonlySet<Message>;
}

/** Follows the scores of a tree ensemble through products and quotients by a positive number of the file, up to the graph's outputs. */
export function readScaling(graph: Message, operators: readonly Message[], ensemble: Message): Scaling {
  const constants = constantsOf(graph, operators);
  const factors = new Map([[ensemble.strings(2).at(-1) ?? '', 1]]);
  const scaling = new Set<Message>();
  for (const operator of operators.slice(operators.indexOf(ensemble) + 1)) {
    const [first = '', second = ''] = operator.strings(1);
    const output = operator.string(2) ?? '';
    const kind = operator.string(4) ?? '';
    const before = factors.get(first);
    if (passing.has(kind) && before !== undefined) factors.set(output, before);
    // One of both is the scores, the other a number; only a product may have them the other way round.
    const [factor, number] =
      before === undefined ? [factors.get(second), constants.get(first)] : [before, constants.get(second)];
    if (factor === undefined || number === undefined || (kind === 'Div' && before === undefined)) continue;
    const after = kind === 'Mul' ? factor * number : kind === 'Div' ? factor / number : Number.NaN;
    if (!(after > 0 && Number.isFinite(after))) continue;
    factors.set(output, after);
    scaling.add(operator);
  }
  const results = graph.messages(12).flatMap((output) => factors.get(output.string(1) ?? '') ?? []);
  return { factor: results.at(-1) ?? 1, operators: scaling };
}

/** Values of the graph that are one number, whatever their shape. */
function constantsOf(graph: Message, operators: readonly Message[]): ReadonlyMap<string, number> {
  const tensors = graph.messages(5).map((tensor) => ({ name: tensor.string(8) ?? '', tensor }));
  for (const operator of operators)
    for (const tensor of operator.messages(5).flatMap((attribute) => attribute.messages(5)))
      if (operator.string(4) === 'Constant') tensors.push({ name: operator.string(2) ?? '', tensor });
  const constants = new Map<string, number>();
  for (const { name, tensor } of tensors) {
    const [value, ...others] = tensorNumbers(tensor);
    if (value !== undefined && others.every((other) => other === value)) constants.set(name, value);
  }
  return constants;
}
