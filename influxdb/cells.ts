import { mostPointsASecond } from '../core/wire/samples-point.ts';
import type { Cell } from './cells/cell.ts';
import { drift } from './cells/drift.ts';
import { health } from './cells/health.ts';
import { predictions } from './cells/predictions.ts';
import { gaps, readings } from './cells/readings.ts';
import { scores } from './cells/scores.ts';
import { shadow } from './cells/shadow.ts';
import { missing, type WindowShape, windows } from './cells/windows.ts';

const labels: readonly Cell[] = [...predictions, ...scores, ...shadow, ...drift, ...health];

/** The cells, in the order of reading: what comes in, what is made of it, how good that is and stays, how the line does. */
export const cells: readonly Cell[] = [...readings, ...gaps, ...labels];

/** The same with the last window, for a stream whose model labels windows or whole segments: after what comes in. */
export function cellsOf(shape: WindowShape | undefined): readonly Cell[] {
  if (shape === undefined) return cells;
  if (shape.channels) return [...readings, ...gaps, ...windows(shape), ...labels];
  const seen = shape.rate > mostPointsASecond ? [...readings, missing(6)] : [...readings, ...gaps, missing(12)];
  return [...seen, ...windows(shape), ...labels];
}
