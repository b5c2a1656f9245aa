import { fieldsIn, joinFields, lengthDelimited, Message, type RawField } from '../forest/protobuf.ts';

// Numbers of fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const graphOfModel = 7;
const [operatorOfGraph, outputOfGraph] = [1, 12];
const [inputOfOperator, outputOfOperator, kindOfOperator] = [1, 2, 4];
const [nameOfValue, typeOfValue] = [1, 2];

/**
 * The file with a `Cast` in the place of each `ZipMap`: so probabilities come as the tensor that they were, and not as a list of maps,
 * which ONNX Runtime gives to nobody in Node. A file without one comes back as it is.
 */
export function withoutZipMaps(model: Uint8Array): Uint8Array {
  const graph = new Message(model).message(graphOfModel);
  const zipped = new Set(
    graph
      ?.messages(operatorOfGraph)
      .filter(isZipMap)
      .flatMap((operator) => operator.strings(outputOfOperator)),
  );
  if (zipped.size === 0) return model;
  return rewritten(model, graphOfModel, (bytes) =>
    rewritten(
      rewritten(bytes, operatorOfGraph, (operator) => (isZipMap(new Message(operator)) ? castOf(operator) : operator)),
      outputOfGraph,
      (output) => (zipped.has(new Message(output).string(nameOfValue) ?? '') ? floatsCalled(output) : output),
    ),
  );
}

const isZipMap = (operator: Message): boolean => operator.string(kindOfOperator) === 'ZipMap';

/** The message with every occurrence of one field made anew. */
function rewritten(message: Uint8Array, number: number, rewrite: (content: Uint8Array) => Uint8Array): Uint8Array {
  return joinFields(
    fieldsIn(message).map(
      (field): RawField => (field.number === number ? lengthDelimited(number, rewrite(field.content)) : field),
    ),
  );
}

/** `to`: 32-bit floats (an attribute of kind 2, whole number). */
const toFloats = joinFields([
  lengthDelimited(1, Buffer.from('to')),
  ...fieldsIn(Uint8Array.of(0x18, 0x01, 0xa0, 0x01, 0x02)),
]);

/** Its input may be of 64 bits. */
function castOf(operator: Uint8Array): Uint8Array {
  const kept = fieldsIn(operator).filter(({ number }) => number === inputOfOperator || number === outputOfOperator);
  return joinFields([...kept, lengthDelimited(kindOfOperator, Buffer.from('Cast')), lengthDelimited(5, toFloats)]);
}

/** The declaration of an output, of the same name, as a tensor of 32-bit floats of any shape. */
function floatsCalled(output: Uint8Array): Uint8Array {
  const tensorOfFloats = Uint8Array.of(0x08, 0x01);
  const type = joinFields([lengthDelimited(1, tensorOfFloats)]);
  const name = fieldsIn(output).filter(({ number }) => number === nameOfValue);
  return joinFields([...name, lengthDelimited(typeOfValue, type)]);
}
