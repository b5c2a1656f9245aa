import { HttpProblem } from '../../core/http/problem.ts';
import { explainName, explainRefusedTime, isName, type ReadingRules } from '../../core/wire/reading-input.ts';
import { ReadingRecords } from '../reading-records.ts';
import { type LinePoint, parseLines } from './parse.ts';

export interface LinesBody {
  readonly text: string;
  readonly rules: ReadingRules;
  readonly stream: string;
  /** The tag that names the device. */
  readonly deviceTag: string;
  readonly received: string;
  /** Returns a time of arrival that no other reading has: nanoseconds since the epoch, as a decimal string. */
  readonly arrival: () => string;
  readonly maxReadings: number;
}

export interface LineRecords {
  readonly records: ReadingRecords;
  /** How many fields the stream does not define, or are not numbers. */
  readonly ignoredFields: number;
}

const maxFailures = 20;

/**
 * Makes log records of all lines. It refuses the lines that InfluxDB 2.7 refuses, with the same messages. In addition, each line needs a
 * device, a time that is not too far ahead, and an identity of its own.
 * @throws {HttpProblem} `body-malformed` or `body-too-large`
 */
export function recordsOfLines(body: LinesBody): LineRecords {
  const { points, failures, tooMany } = parseLines(body.text, {
    precision: body.rules.precision,
    maxPoints: body.maxReadings,
  });
  if (tooMany) throw new HttpProblem('body-too-large', `a request has at most ${body.maxReadings} lines`);
  const wrong = [...failures];
  const noDevice = `there is no tag ${JSON.stringify(body.deviceTag)} to name the device`;
  const records = new ReadingRecords(body.stream, body.received);
  let ignoredFields = 0;
  points.forEach((point, index) => {
    const { values, ignored } = valuesOf(point, body.rules.known);
    ignoredFields += ignored;
    const device = point.tags.get(body.deviceTag);
    const time = point.time ?? body.arrival();
    const fault = device === undefined ? noDevice : explainPoint(device, time, body);
    if (device === undefined || fault !== undefined) {
      if (wrong.length < maxFailures) wrong.push(`point ${index + 1}: ${fault}`);
      return;
    }
    const before = records.add({ device, time, values, truth: undefined }, `point ${index + 1}`);
    if (before !== undefined) wrong.push(`point ${index + 1}: the same device and time as ${before}`);
  });
  if (wrong.length > 0) throw new HttpProblem('body-malformed', wrong.slice(0, maxFailures).join('\n'));
  return { records, ignoredFields };
}

function explainPoint(device: string, time: string, { deviceTag, rules }: LinesBody): string | undefined {
  if (!isName(device)) return `tag ${JSON.stringify(deviceTag)}: ${explainName(device)}`;
  const refused = explainRefusedTime(time, rules.latest);
  return refused === undefined ? undefined : `${time}: ${refused}`;
}

/** The numeric fields that the stream defines; if a name occurs twice, the later one. */
function valuesOf(point: LinePoint, known: ReadonlySet<string>): { values: Record<string, number>; ignored: number } {
  const entries: [string, number][] = [];
  for (const { name, value } of point.fields) {
    if (typeof value === 'number' && known.has(name)) entries.push([name, value]);
  }
  // fromEntries defines properties, so that a field named __proto__ is a field like any other.
  return { values: Object.fromEntries(entries), ignored: point.fields.length - entries.length };
}
