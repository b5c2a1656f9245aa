import { HttpProblem } from '../../core/http/problem.ts';
import type { LogRecord } from '../../core/log/port.ts';
import { suggestName } from '../../core/wire/near-name.ts';
import { shorten } from '../../core/wire/problem.ts';
import { explainName, explainRefusedTime, isName, type ReadingRules } from '../../core/wire/reading-input.ts';
import { recordOf } from '../reading-records.ts';
import { MergedReadings } from './merge.ts';
import { type LinePoint, parseLines } from './parse.ts';

export interface LinesBody {
  readonly text: string;
  readonly rules: ReadingRules;
  readonly stream: string;
  /** The tag that names the device. */
  readonly deviceTag: string;
  /** The only measurement that is taken; undefined: any. */
  readonly measurement: string | undefined;
  readonly received: string;
  /** Returns a time of arrival that no other reading has: nanoseconds since the epoch, as a decimal string. */
  readonly arrival: () => string;
  readonly maxReadings: number;
}

export interface LineRecords {
  readonly records: readonly LogRecord[];
  /** Which lines were refused, and why; undefined where none was. */
  readonly refusal: string | undefined;
  /** How many fields the stream does not define, or are not numbers. */
  readonly ignoredFields: number;
}

const maxFailures = 20;

/**
 * Makes log records of the lines. It refuses the bodies that InfluxDB 2.7 cannot parse, with the same messages. Of those that it can, it
 * refuses the lines without a device, without a number for a field of the stream, with a time that cannot be, or of another measurement.
 * Lines of one device and time become one reading.
 * @throws {HttpProblem} `body-malformed` or `body-too-large`
 */
export function recordsOfLines(body: LinesBody): LineRecords {
  const { text, rules, maxReadings } = body;
  const { points, failures, tooMany } = parseLines(text, { precision: rules.precision, maxPoints: maxReadings });
  if (tooMany) throw new HttpProblem('body-too-large', `a request has at most ${maxReadings} lines`);
  if (failures.length > 0) throw new HttpProblem('body-malformed', failures.join('\n'));
  const readings = new MergedReadings(body.arrival);
  const refused: string[] = [];
  let refusedCount = 0;
  let ignoredFields = 0;
  for (const point of points) {
    const values = valuesOf(point, rules);
    ignoredFields += point.fields.length - values.length;
    const fault = explainPoint(point, values.length, body);
    if (fault === undefined) readings.add(point.tags.get(body.deviceTag) ?? '', point.time, values);
    else {
      refusedCount += 1;
      if (refused.length < maxFailures) refused.push(`line ${lineNumber(text, point.offset)}: ${fault}`);
    }
  }
  const records = readings.list.map(({ device, time, values }) =>
    recordOf({ stream: body.stream, device, time, values: Object.fromEntries(values), received: body.received }),
  );
  return { records, refusal: refusalOf(refused, refusedCount), ignoredFields };
}

/** As InfluxDB words a partial write: what was wrong, then how many points were dropped. */
function refusalOf(refused: readonly string[], count: number): string | undefined {
  if (count === 0) return undefined;
  const listed = count > refused.length ? `\nand ${count - refused.length} lines more` : '';
  return `partial write: ${refused.join('\n')}${listed} dropped=${count}`;
}

function explainPoint(point: LinePoint, values: number, body: LinesBody): string | undefined {
  const { deviceTag, measurement, rules } = body;
  if (measurement !== undefined && point.measurement !== measurement) {
    const found = JSON.stringify(shorten(point.measurement));
    return `measurement ${found} is not taken, only ${JSON.stringify(measurement)} is`;
  }
  const device = point.tags.get(deviceTag);
  if (device === undefined) return `there is no tag ${JSON.stringify(deviceTag)} to name the device`;
  if (!isName(device)) return `tag ${JSON.stringify(deviceTag)}: ${explainName(device)}`;
  if (values === 0) return explainNoValue(point, rules);
  const refused = point.time && explainRefusedTime(point.time, rules.latest, rules.precision);
  return refused ? `${point.time}: ${refused}` : undefined;
}

/** Such a line would be labelled from gaps alone. */
function explainNoValue({ fields }: LinePoint, { known, fields: names }: ReadingRules): string {
  const text = fields.find(({ name }) => known.has(name));
  if (text !== undefined) return `field ${JSON.stringify(shorten(text.name))} is not a number`;
  const unknown = fields[0]?.name ?? '';
  return `the stream knows no field ${JSON.stringify(shorten(unknown))}; ${suggestName(unknown, names)}`;
}

/** The numeric fields that the stream defines, in the order of the line. */
function valuesOf({ fields }: LinePoint, { known, unknown }: ReadingRules): [string, number][] {
  const values: [string, number][] = [];
  for (const { name, value } of fields) {
    if (!known.has(name)) unknown?.(name);
    else if (typeof value === 'number') values.push([name, value]);
  }
  return values;
}

/** The line of the body that an offset is in, from 1. */
function lineNumber(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
