import type { Model, ModelOutput, Session } from '../../core/model/model.ts';
import type { Rows } from '../../core/model/rows.ts';
import { openSteps } from '../../core/model/steps.ts';
import { buildChain } from '../../core/steps/chain.ts';
import type { StepSpec } from '../../core/steps/registry.ts';

export interface DoubleOptions {
  readonly version?: number;
  /** Values of a reading: columns of a row where there are no steps. */
  readonly fields?: readonly string[];
  readonly steps?: readonly StepSpec[];
  readonly memoryMs?: number;
  /** Called with each batch before its labels are returned; may throw or wait. */
  readonly before?: (rows: Rows) => void | Promise<void>;
  readonly closed?: () => void;
}

/**
 * A model for tests whose labels can be computed by hand. It fills a gap with the device's last committed value of that field, or 0, and
 * returns `high` where the row's sum is above 10.
 */
export function doubleModel(options: DoubleOptions = {}): Model {
  const { version = 1, memoryMs = 0 } = options;
  const channels = options.fields ?? ['a', 'b'];
  const fields = options.steps ? buildChain(options.steps, channels).shape.channels : channels;
  const steps = openSteps({ fields, channels, steps: options.steps });
  const model: Model = {
    identity: { name: 'double', version },
    ...(steps && { steps }),
    fields,
    classes: ['low', 'high'],
    memoryMs,
    open: () => openSession(model, options),
    close: async () => options.closed?.(),
  };
  return model;
}

function openSession({ memoryMs }: Model, { before }: DoubleOptions): Session {
  const last = new Map<string, number>();
  const keyOf = (rows: Rows, at: number) => `${rows.devices[Math.floor(at / rows.width)]}/${at % rows.width}`;
  const remember = (rows: Rows): void => {
    for (const [at, value] of rows.values.entries())
      if (!Number.isNaN(value) && memoryMs > 0) last.set(keyOf(rows, at), value);
  };
  const outputOf = (rows: Rows): ModelOutput => {
    const filled = rows.values.map((value, at) => (Number.isNaN(value) ? (last.get(keyOf(rows, at)) ?? 0) : value));
    const labels = new Int32Array(rows.count);
    const probabilities = new Float64Array(rows.count * 2);
    for (let row = 0; row < rows.count; row++) {
      const sum = filled.subarray(row * rows.width, (row + 1) * rows.width).reduce((a, b) => a + b, 0);
      labels[row] = sum > 10 ? 1 : 0;
      probabilities[row * 2 + labels[row]!] = 1;
    }
    const past = { ...rows, values: rows.values.slice() };
    return { labels, probabilities, filled, committed: () => remember(past) };
  };
  return {
    predict(rows) {
      const waiting = before?.(rows);
      return waiting instanceof Promise ? waiting.then(() => outputOf(rows)) : outputOf(rows);
    },
    warm: remember,
    memory: {
      save: () => Buffer.from(JSON.stringify([...last])),
      load: (bytes) => {
        last.clear();
        for (const [key, value] of JSON.parse(Buffer.from(bytes).toString())) last.set(key, value);
      },
    },
  };
}
