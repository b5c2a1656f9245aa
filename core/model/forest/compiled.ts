/** What the rest of the model uses: `compile` once at load, then `predict` by batch or by row. */
export { type CompiledForest, compile } from './layout.ts';
export { type Prediction, predict } from './predict.ts';
