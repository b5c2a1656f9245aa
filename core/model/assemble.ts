import type { Imputer, ImputerSession } from './impute/imputer.ts';
import type { Estimates, Estimator } from './kinds/estimator.ts';
import type { Answer, Model, ModelIdentity, Rows, Session } from './model.ts';

export interface Parts {
  readonly identity: ModelIdentity;
  readonly fields: readonly string[];
  readonly classes: readonly string[];
  readonly imputer: Imputer;
  readonly estimator: Estimator;
}

/** Makes a model of an imputer and, after it, an estimator. */
export function assembleModel({ identity, fields, classes, imputer, estimator }: Parts): Model {
  return {
    identity,
    fields,
    classes,
    memoryMs: imputer.memoryMs,
    open: () => openSession(imputer.open(), estimator),
    close: () => estimator.close(),
  };
}

function openSession(imputing: ImputerSession, estimator: Estimator): Session {
  return {
    predict(rows: Rows): Answer | Promise<Answer> {
      const filled = new Float64Array(rows.count * rows.width);
      const committed = imputing.fill(rows, filled);
      const answer = (estimates: Estimates): Answer => ({ ...estimates, filled, ...(committed && { committed }) });
      const estimates = estimator.predict(filled, rows.count);
      return estimates instanceof Promise ? estimates.then(answer) : answer(estimates);
    },
    warm: (rows) => imputing.warm(rows),
  };
}
