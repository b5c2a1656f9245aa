import { grown } from '../output.ts';
import { columnsOf, StepProblem } from '../params.ts';
import type { Shape, Step, StepSession, Windows } from '../port.ts';
import { openStateless } from '../stateless.ts';

/** Computes features of one channel of one window. */
export interface ChannelFeatures {
  /** What is written behind the name of the channel, one for each feature. */
  readonly names: readonly string[];
  /** Opens what may keep scratch memory, but nothing that the output depends on. */
  open(): { compute(windows: Windows, row: number, column: number, into: Float64Array): void };
}

/** A step that adds columns `CHANNEL.NAME` to rows that are windows. It remembers nothing. */
export function featureStep(shape: Shape, named: readonly string[] | undefined, features: ChannelFeatures): Step {
  if (!shape.windows) throw new StepProblem('it works on windows; put a window step before it');
  const known = shape.windows.channels;
  const columns = columnsOf(known, named);
  const added = columns.flatMap((column) => features.names.map((name) => `${known[column]}.${name}`));
  const twice = added.find((name, at) => shape.channels.includes(name) || added.indexOf(name) !== at);
  if (twice) throw new StepProblem(`the column ${JSON.stringify(twice)} is there already`);
  return {
    shape: { ...shape, channels: [...shape.channels, ...added] },
    open: () => openFeatures(columns, features.names.length, features.open()),
  };
}

function openFeatures(
  columns: readonly number[],
  width: number,
  features: ReturnType<ChannelFeatures['open']>,
): StepSession {
  const into = new Float64Array(width);
  const out = Array.from({ length: columns.length * width }, () => new Float64Array(0));
  return openStateless((rows) => {
    for (let at = 0; at < out.length; at++)
      if (out[at]!.length < rows.count) out[at] = grown(out[at]!, rows.count * 2, 0);
    for (let row = 0; row < rows.count; row++)
      for (let channel = 0; channel < columns.length; channel++) {
        into.fill(Number.NaN);
        features.compute(rows.windows!, row, columns[channel]!, into);
        for (let at = 0; at < width; at++) out[channel * width + at]![row] = into[at]!;
      }
    return { columns: [...rows.columns, ...out] };
  });
}
