import type { Stream } from '../../core/wire/stream.ts';
import { allDotsOf, fluxString, withPieces } from '../flux.ts';
import { type Cell, cell, dots, line, table } from './cell.ts';

/** How a stream's windows are cut, where its model labels windows of samples of one rate, or readings that are whole segments. */
export interface WindowShape {
  readonly seconds: number;
  /** Samples a second. */
  readonly rate: number;
  /** Of whole segments: by channel, the names of the values of a reading that are its samples, in order. */
  readonly channels?: readonly (readonly string[])[];
}

/** Samples in a transform: the spectrum is good to a hundredth of the rate. A query has no fast transform, and time is their product. */
const segment = 100;
/** Of more samples only the first are transformed. */
const mostTransformed = 2_000;
/** Records and chunks of them that a window may be spread over. */
const mostChunks = 8;
/** Samples that the archive puts into one string at most (core/wire/samples-point.ts). */
const chunkSamples = 2_000;

/** A number as Flux writes one that is not whole; it has no exponents. */
const float = (value: number): string => value.toFixed(15);

/** The shape of the readings of a stream, where they are whole segments. */
export function segmentShape({ fields, segments }: Pick<Stream, 'fields' | 'segments'>): WindowShape | undefined {
  if (!segments) return undefined;
  const { channels, length, rate } = segments;
  return {
    ...{ seconds: length / rate, rate },
    channels: channels.map((_, at) => fields.slice(at * length, (at + 1) * length)),
  };
}

/** The last window or segment that was labelled, of the chosen device or of the device that came last. A segment begins at its time. */
const lastWindow = ({ channels }: WindowShape): string => `
known = predictions()
    |> filter(fn: (r) => r._field == ${channels ? '"probability"' : '"from"'})
    |> chosen()
    |> last()
    |> group()
    |> top(n: 1, columns: ["_time"])
first = (column, tables=<-) => tables |> findColumn(fn: (key) => true, column: column)
isKnown = length(arr: known |> first(column: "device")) > 0
device = if isKnown then (known |> first(column: "device"))[0] else ""
end = if isKnown then int(v: (known |> first(column: "_time"))[0]) else 0
start = ${channels ? 'end' : 'if isKnown then int(v: (known |> first(column: "_value"))[0]) else 0'}
labelled = () => predictions() |> filter(fn: (r) => r.device == device and int(v: r._time) == end)`;

/** The samples of that window: strings of the archive taken apart, and samples that are points; \`isGap\` where a value is missing. */
const samplesOf = (shape: WindowShape): string => {
  const { rate, channels } = shape;
  if (channels) return `${lastWindow(shape)}\n${segmentSamples(channels, rate)}`;
  const reachNs = Math.ceil((chunkSamples / rate) * 1e9);
  const parts = Array.from({ length: mostChunks }, (_, at) => `part(k: ${at})`).join(', ');
  return `${lastWindow(shape)}
text = "s." + v.field
point = "v." + v.field
near = () => readings()
    |> filter(fn: (r) => r.device == device)
    |> filter(fn: (r) => int(v: r._time) > start - ${reachNs} and int(v: r._time) < end)
chunks = near()
    |> filter(fn: (r) => r._field == text)
    |> group()
    |> sort(columns: ["_time"])
texts = chunks |> first(column: "_value")
times = chunks |> first(column: "_time")
part = (k) => {
    cells = if length(arr: texts) > k then strings.split(v: texts[k], t: ",") else ["none"]
    from = if length(arr: texts) > k then int(v: times[k]) else 0

    return array.from(rows: array.map(arr: cells, fn: (x) => ({n: 1, text: x})))
        |> cumulativeSum(columns: ["n"])
        |> filter(fn: (r) => r.text != "none")
        |> map(
            fn: (r) => ({
                at: from + int(v: float(v: r.n - 1) * ${float(1e9 / rate)}) - start,
                isGap: r.text == "",
                value: if r.text == "" then 0.0 else float(v: r.text),
            }),
        )
}
single = near()
    |> filter(fn: (r) => r._field == point)
    |> group()
    |> map(fn: (r) => ({at: int(v: r._time) - start, isGap: false, value: r._value}))
samples = union(tables: [single, ${parts}])
    |> filter(fn: (r) => r.at >= 0 and r.at < end - start)
    |> sort(columns: ["at"])`;
};

/** The values of one reading in the order of their names: those of the channel that the chosen field is of, else of the first. */
const segmentSamples = (channels: readonly (readonly string[])[], rate: number): string => {
  const lists = channels.map((names) => `[${names.map(fluxString).join(', ')}]`);
  return `channels = [${lists.map((list) => `{names: ${list}}`).join(', ')}]
own = channels |> array.filter(fn: (x) => contains(value: v.field, set: x.names))
names = if length(arr: own) > 0 then own[0].names else channels[0].names
places = array.from(rows: array.map(arr: names, fn: (x) => ({n: 1, name: x}))) |> cumulativeSum(columns: ["n"])
values = readings()
    |> filter(fn: (r) => r.device == device and int(v: r._time) == end)
    |> filter(fn: (r) => r._field =~ /^v\\./)
    |> group()
    |> map(fn: (r) => ({name: strings.substring(v: r._field, start: 2, end: strings.strlen(v: r._field)), value: r._value}))
// A join refuses an empty table.
absent = array.from(rows: [{name: "", value: 0.0}])
samples = join.left(
    left: places,
    right: union(tables: [values, absent]),
    on: (l, r) => l.name == r.name,
    as: (l, r) => ({n: l.n, value: r.value}),
)
    |> map(
        fn: (r) => ({
            at: int(v: float(v: r.n - 1) * ${float(1e9 / rate)}),
            isGap: not exists r.value,
            value: if exists r.value then r.value else 0.0,
        }),
    )
    |> sort(columns: ["at"])`;
};

const wave = (shape: WindowShape): string => `${samplesOf(shape)}
shown = labelled()
    |> filter(fn: (r) => r._field == "label" or r._field == "probability")
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> map(fn: (r) => ({name: r.label + ", " + string(v: int(v: 100.0 * r.probability + 0.5)) + " %"}))
    |> group()
    |> first(column: "name")
name = if length(arr: shown) > 0 then shown[0] else ""
lowest = samples |> filter(fn: (r) => not r.isGap) |> min(column: "value") |> first(column: "value")
ground = if length(arr: lowest) > 0 then lowest[0] else 0.0
dots = samples
    |> map(
        fn: (r) => ({
            ms: float(v: r.at) / 1000000.0,
            _value: if r.isGap then ground else r.value,
            _field: if r.isGap then "gap" else name,
        }),
    )
    |> group(columns: ["_field"])

${allDotsOf('dots', 'ms')}`;

/**
 * The power spectral density by Welch's method: segments without overlap under a Hann window, their mean taken off, gaps as zero, and the
 * scale from what was measured. Source: Welch (1967). In decibels, for a query cannot draw a logarithmic axis.
 */
const spectrum = (shape: WindowShape): string => {
  const points = Math.max(2, Math.min(segment, Math.round(shape.seconds * shape.rate)));
  return `${samplesOf(shape)}
measured = samples |> filter(fn: (r) => not r.isGap) |> limit(n: ${mostTransformed})
means = measured |> mean(column: "value") |> first(column: "value")
middle = if length(arr: means) > 0 then means[0] else 0.0
tapered = measured
    |> map(
        fn: (r) => {
            place = int(v: math.round(x: float(v: r.at) / ${float(1e9 / shape.rate)}))
            within = place % ${points}
            taper = 0.5 - 0.5 * math.cos(x: ${float((2 * Math.PI) / points)} * float(v: within))

            return {one: 1, segment: place / ${points}, within: within, value: (r.value - middle) * taper, weight: taper * taper}
        },
    )
// A join refuses an empty table.
nothing = array.from(rows: [{one: 1, segment: 0, within: 0, value: 0.0, weight: 0.0}])
weights = tapered |> sum(column: "weight") |> first(column: "weight")
weight = if length(arr: weights) > 0 then weights[0] else 1.0
harmonics = array.from(rows: [${Array.from({ length: points >> 1 }, (_, at) => `{one: 1, k: ${at + 1}}`).join(', ')}])
dots = join.inner(
    left: union(tables: [tapered, nothing]),
    right: harmonics,
    on: (l, r) => l.one == r.one,
    as: (l, r) => ({k: r.k, segment: l.segment, value: l.value, angle: ${float((2 * Math.PI) / points)} * float(v: r.k * l.within % ${points})}),
)
    |> group(columns: ["k", "segment"])
    |> reduce(
        identity: {re: 0.0, im: 0.0},
        fn: (r, accumulator) => ({
            re: accumulator.re + r.value * math.cos(x: r.angle),
            im: accumulator.im + r.value * math.sin(x: r.angle),
        }),
    )
    |> map(fn: (r) => ({k: r.k, power: r.re * r.re + r.im * r.im}))
    |> group(columns: ["k"])
    |> sum(column: "power")
    |> group()
    |> sort(columns: ["k"])
    |> filter(fn: (r) => r.power > 0.0)
    |> map(
        fn: (r) => ({
            hertz: float(v: r.k) * ${float(shape.rate / points)},
            _value: 10.0 * math.log10(x: ${float(2 / shape.rate)} * r.power / weight),
            _field: v.field,
        }),
    )
    |> group(columns: ["_field"])

${allDotsOf('dots', 'hertz')}`;
};

/** The last window or segment of the chosen device. Dots, for InfluxDB's page draws a line to the scale of the time that is chosen. */
export function windows(shape: WindowShape): readonly Cell[] {
  const what = shape.channels ? 'segment' : 'window';
  const shown = shape.channels ? 'The channel of the chosen field' : 'The chosen field';
  const told = ['label', 'probability', 'truth', ...(shape.channels ? ['gaps'] : ['samples', 'missing'])];
  return [
    cell(
      `Last ${what}: wave`,
      `${shown} in the last ${what} of the chosen device; the label is the name of the dots. Where a value was missing, a dot of its own colour stands at the bottom.`,
      dots('ms', '', [0, shape.seconds * 1_000]),
      [5, 4],
      withPieces(wave(shape), shape.channels ? ['array', 'join', 'strings'] : ['array', 'strings']),
    ),
    cell(
      `Last ${what}: spectrum`,
      `Its power for each hertz, in dB, good to ${shape.rate / segment} Hz, of at most ${mostTransformed} samples; the live page shows all of it, more finely.`,
      dots('hertz', 'dB', [0, shape.rate / 2]),
      [4, 4],
      withPieces(spectrum(shape), ['array', 'join', 'math', 'strings']),
    ),
    cell(
      `Last ${what}`,
      'What the model made of it.',
      table({ name: `of the ${what}`, value: '' }),
      [3, 4],
      withPieces(`${lastWindow(shape)}
labelled()
    |> filter(fn: (r) => contains(value: r._field, set: [${told.map(fluxString).join(', ')}]))
    |> map(fn: (r) => ({name: r._field, value: string(v: r._value)}))
    |> group()
    |> sort(columns: ["name"])
    |> ranked()`),
    ),
  ];
}

/** How much a window lacks. */
export const missing = (width: number): Cell =>
  cell(
    'Missing values a window',
    'Over all fields, the mean of the windows: samples that did not come count, too. Of records of many samples there is no gap rate by field.',
    line('values'),
    [width, 3],
    withPieces(`
missing = () => predictions() |> filter(fn: (r) => r._field == "missing") |> chosen()

sumAndCount(of: missing)
    |> windowMean()
    |> set(key: "_field", value: "missing values")`),
  );
