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
  /** A time of arrival that no other reading has: nanoseconds since the epoch, as a decimal string. */
  readonly arrival: () => string;
  readonly maxReadings: number;
}

export interface LineRecords {
  readonly records: ReadingRecords;
  /** Fields that the stream does not know, or that are no numbers. */
  readonly ignoredFields: number;
}

const mostFailures = 20;

/**
 * Makes records of line protocol, all of it or none, refusing what InfluxDB 2.7 refuses and with its words; beside that, a line needs
 * a device, a time that is believed, and an identity of its own.
 * @throws {HttpProblem} `body-malformed` or `body-too-large`
 */
export function recordsOfLines(body: LinesBody): LineRecords {
  const { points, failures, tooMany } = parseLines(body.text, {
    precision: body.rules.precision,
    maxPoints: body.maxReadings,
  });
  if (tooMany) throw new HttpProblem('body-too-large', `a request has at most ${body.maxReadings} lines`);
  const wrong = [...failures];
  const records = new ReadingRecords(body.stream, body.received);
  let ignoredFields = 0;
  points.forEach((point, index) => {
    const { values, ignored } = valuesOf(point, body.rules.known);
    ignoredFields += ignored;
    const device = point.tags.get(body.deviceTag);
    const time = point.time ?? body.arrival();
    const fault = explainPoint(device, time, body);
    if (fault === undefined) {
      const before = records.add({ device: device as string, time, values, truth: undefined }, `point ${index + 1}`);
      if (before !== undefined) wrong.push(`point ${index + 1}: the same device and time as ${before}`);
    } else if (wrong.length < mostFailures) wrong.push(`point ${index + 1}: ${fault}`);
  });
  if (wrong.length > 0) throw new HttpProblem('body-malformed', wrong.slice(0, mostFailures).join('\n'));
  return { records, ignoredFields };
}

function explainPoint(device: string | undefined, time: string, { deviceTag, rules }: LinesBody): string | undefined {
  if (device === undefined) return `there is no tag ${JSON.stringify(deviceTag)} to name the device`;
  if (!isName(device)) return `tag ${JSON.stringify(deviceTag)}: ${explainName(device)}`;
  const refused = explainRefusedTime(time, rules.latest);
  return refused === undefined ? undefined : `${time}: ${refused}`;
}

/** The numeric fields that the stream knows; of a name that comes twice, the later. */
function valuesOf(point: LinePoint, known: ReadonlySet<string>): { values: Record<string, number>; ignored: number } {
  const entries: [string, number][] = [];
  for (const { name, value } of point.fields) {
    if (typeof value === 'number' && known.has(name)) entries.push([name, value]);
  }
  // fromEntries defines properties, so that a field named __proto__ is a field like any other.
  return { values: Object.fromEntries(entries), ignored: point.fields.length - entries.length };
}
