import type { Point } from '../wire/point.ts';

/**
 * Characters that line protocol cannot carry in a name, or would change, are written as U+241B and two hexadecimal digits:
 * control characters; a backslash at the end or before a comma, an equals sign, a space or a quote, which it would escape; a `#` at the
 * beginning (a comment). U+241B itself is written twice. All other names are stored as they are. Telegraf writes devices in the same way
 * (telegraf/telegraf.conf).
 */
const mark = '\u241b';
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are searched for
const special = /[\u0000-\u001f\u007f\u241b]|\\(?=[,= "]|$)|^#/g;
const encoded = /\u241b(\u241b|[0-9a-f]{2})/g;

/** A name as InfluxDB stores it. */
export function encodeName(name: string): string {
  return name.replace(special, (found) =>
    found === mark ? mark + mark : mark + found.charCodeAt(0).toString(16).padStart(2, '0'),
  );
}

/** A field's name as InfluxDB stores it. One called `time` would be dropped with a 204. */
function encodeField(name: string): string {
  return name === 'time' ? `${mark}74ime` : encodeName(name);
}

/** The name behind what InfluxDB stores. */
export function decodeName(stored: string): string {
  return stored.replace(encoded, (_, code: string) =>
    code === mark ? mark : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** How the official client escapes; passed in, because the client is loaded only where InfluxDB is used. */
export interface Escaping {
  measurement(value: string): string;
  tag(value: string): string;
  quoted(value: string): string;
}

/** The most names in the cache; beyond that it is cleared. */
const maxCachedNames = 100_000;

/** Makes a function that writes a point as one line. Numbers are floats. The point must have no fault. */
export function createLineWriter(escaping: Escaping): (point: Point) => string {
  const measurementOf = cached((name) => escaping.measurement(encodeName(name)));
  const tagOf = cached((name) => escaping.tag(encodeName(name)));
  const fieldOf = cached((name) => escaping.tag(encodeField(name)));
  return ({ measurement, device, time, fields }) => {
    let line = `${measurementOf(measurement)},device=${tagOf(device)}`;
    let separator = ' ';
    for (const name of Object.keys(fields)) {
      const value = fields[name];
      if (value === undefined) continue;
      line += `${separator}${fieldOf(name)}=${typeof value === 'string' ? escaping.quoted(value) : numeral(value)}`;
      separator = ',';
    }
    return `${line} ${time}`;
  };
}

function numeral(value: number | boolean): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function cached(make: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    let made = known.get(name);
    if (made === undefined) {
      made = make(name);
      if (known.size >= maxCachedNames) known.clear();
      known.set(name, made);
    }
    return made;
  };
}
