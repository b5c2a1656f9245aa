// Every kind of estimator, one line each.
export { forest } from './forest-kind.ts';
export { http } from './http-kind.ts';
export { logistic } from './logistic-kind.ts';
export { onnx } from './onnx-kind.ts';
export { ridge } from './ridge-kind.ts';
export { rocket } from './rocket-kind.ts';
export { shapelets } from './shapelets-kind.ts';
export { snapshots } from './snapshots-kind.ts';
