import type { Cell } from './cells/cell.ts';
import { drift } from './cells/drift.ts';
import { health } from './cells/health.ts';
import { predictions } from './cells/predictions.ts';
import { readings } from './cells/readings.ts';
import { scores } from './cells/scores.ts';
import { shadow } from './cells/shadow.ts';
import { type WindowShape, windows } from './cells/windows.ts';

/** The cells, in the order of reading: what comes in, what is made of it, how good that is and stays, how the line does. */
export const cells: readonly Cell[] = [...readings, ...predictions, ...scores, ...shadow, ...drift, ...health];

/** The same with the last window, for a stream whose model labels windows: after what comes in. */
export const cellsOf = (shape: WindowShape | undefined): readonly Cell[] =>
  shape ? [...readings, ...windows(shape), ...cells.slice(readings.length)] : cells;
