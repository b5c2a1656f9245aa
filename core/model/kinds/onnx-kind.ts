import { estimatorKind } from './estimator-kind.ts';
import { openOnnx } from './onnx.ts';
import { onnxEstimatorSchema } from './onnx-schema.ts';

export const onnx = estimatorKind({
  schema: onnxEstimatorSchema,
  open(model, { columns, classes, bytes, onnxRuntime }) {
    const runtime = onnxRuntime && { runtime: onnxRuntime };
    return openOnnx({ model, bytes: bytes(model.file), width: columns.length, classes, ...runtime });
  },
});
