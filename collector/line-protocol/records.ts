import { HttpProblem } from '../../core/http/problem.ts';
import type { LogRecord } from '../../core/log/port.ts';
import { listNames, nearName } from '../../core/wire/near-name.ts';
import { endField } from '../../core/wire/point.ts';
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
 * Lines of one device and time become one reading. A boolean field `endsSegment` says whether the segment is whole with it.
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
    const end = endOf(point, rules);
    ignoredFields += point.fields.length - values.length - (end === undefined ? 0 : 1);
    const fault = explainPoint(point, end === true || values.length > 0, body);
    if (fault === undefined) readings.add(point.tags.get(body.deviceTag) ?? '', point.time, values, end);
    else {
      refusedCount += 1;
      if (refused.length < maxFailures) refused.push(`line ${lineNumber(text, point.offset)}: ${fault}`);
    }
  }
  const records = readings.list.map(({ device, time, values, endsSegment }) => {
    const reading = { device, time, values: Object.fromEntries(values), ...(endsSegment && { endsSegment }) };
    return recordOf({ stream: body.stream, ...reading, received: body.received });
  });
  return { records, refusal: refusalOf(refused, refusedCount), ignoredFields };
}

/** As InfluxDB words a partial write: what was wrong, then how many points were dropped. */
function refusalOf(refused: readonly string[], count: number): string | undefined {
  if (count === 0) return undefined;
  const listed = count > refused.length ? `\nand ${count - refused.length} lines more` : '';
  return `partial write: ${refused.join('\n')}${listed} dropped=${count}`;
}

/** @param says whether the line has a value, or ends a segment */
function explainPoint(point: LinePoint, says: boolean, body: LinesBody): string | undefined {
  const { deviceTag, measurement, rules } = body;
  if (measurement !== undefined && point.measurement !== measurement) {
    const found = JSON.stringify(shorten(point.measurement));
    return `measurement ${found} is not taken, only ${JSON.stringify(measurement)} is`;
  }
  const device = point.tags.get(deviceTag);
  if (device === undefined) return `there is no tag ${JSON.stringify(deviceTag)} to name the device`;
  if (!isName(device)) return `tag ${JSON.stringify(deviceTag)}: ${explainName(device)}`;
  if (!says) return explainNoValue(point, rules);
  const refused = point.time && explainRefusedTime(point.time, rules.latest, rules.precision);
  return refused ? `${point.time}: ${refused}` : undefined;
}

/** Such a line would be labelled from gaps alone. */
function explainNoValue({ fields }: LinePoint, { known, fields: names }: ReadingRules): string {
  const text = fields.find(({ name }) => known.has(name));
  if (text !== undefined) return `field ${JSON.stringify(shorten(text.name))} is not a number`;
  const unknown = fields[0]?.name ?? '';
  const near = nearName(unknown, names);
  const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
  return `the stream knows no field ${JSON.stringify(shorten(unknown))}; ${listNames(names)}${hint}`;
}

/** The numeric fields that the stream defines, in the order of the line. */
function valuesOf({ fields }: LinePoint, { known, unknown }: ReadingRules): [string, number][] {
  const values: [string, number][] = [];
  for (const { name, value } of fields) {
    const isEnd = name === endField && typeof value === 'boolean';
    if (known.has(name)) {
      if (typeof value === 'number') values.push([name, value]);
    } else if (!isEnd) unknown?.(name);
  }
  return values;
}

/** Whether a line says that its segment is whole; undefined where it says nothing of it. A value of the stream may have that name. */
function endOf({ fields }: LinePoint, { known }: ReadingRules): boolean | undefined {
  if (known.has(endField)) return undefined;
  const said = fields.findLast(({ name, value }) => name === endField && typeof value === 'boolean');
  return said && said.value === true;
}

/** The line of the body that an offset is in, from 1. */
function lineNumber(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
