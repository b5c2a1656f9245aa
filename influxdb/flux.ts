import { createHash } from 'node:crypto';

/** The value of the device variable when no device is chosen. */
export const allDevices = '(all devices)';

/** What is chosen at the head of a dashboard. */
export type VariableKind = 'device' | 'field';

/** Where the queries of a dashboard look. */
export interface QueryScope {
  readonly stream: string;
  readonly bucket: string;
}

/**
 * The name of the variable in which the dashboard of a stream keeps the chosen device or field. InfluxDB shares variables by name across
 * an organisation, and the last import decides what they show first: so each stream has its own.
 */
export function variableName(kind: VariableKind, stream: string): string {
  const plain = stream.replaceAll(/[^A-Za-z0-9_]/g, '_');
  const told = plain === stream ? '' : `_${createHash('sha256').update(stream).digest('hex').slice(0, 4)}`;
  return `${kind}_${plain}${told}`;
}

/** A query as the dashboard of one stream holds it: bucket and stream literally, device and field from the variables of that stream. */
export const within = (query: string, { stream, bucket }: QueryScope): string =>
  query
    .replaceAll(/\bv\.bucket\b/g, () => fluxString(bucket))
    .replaceAll(/\bv\.stream\b/g, () => fluxString(stream))
    .replaceAll(/\bv\.(device|field)\b/g, (_, kind: VariableKind) => `v.${variableName(kind, stream)}`);

/** A string of Flux. */
export function fluxString(text: string): string {
  // `${` begins an expression in Flux; JSON's other escapes of control characters are not Flux's.
  const plain = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('${', '\\${');
  return `"${plain.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`;
}

/**
 * Of tables of dots over the column `x`, which is nowhere below 0: the same, and a first series of one dot outside of the plane. InfluxDB's page
 * draws the dots of the first series as lines of no length with round ends, which the browsers of today leave out.
 */
export const allDotsOf = (tables: string, x: string): string => `union(
    tables: [
        ${tables},
        ${tables}
            |> map(fn: (r) => ({${x}: -1.0, _value: r._value, _field: " "}))
            |> group(columns: ["_field"])
            |> limit(n: 1),
    ],
)`;

/** The column by which tables are sorted: 1, 2, … in the order of the query. */
export const rankColumn = 'rank';

/** Below zero first: what is counted there is taken off from the next. */
const hundredths = Array.from({ length: 102 }, (_, index) => ((index - 1) / 100).toFixed(2));

/** A function that gives the points of a measurement in the chosen time. */
const pointsIn = (name: string, measurement: string): string => `${name} = () => from(bucket: v.bucket)
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
    |> filter(fn: (r) => r._measurement == ${measurement})`;

/** Those of a measurement `STREAM.NAME`, whose name is put together before the filter, so that the filter is left to the storage. */
const pointsBeside = (name: string): string => `${name}Of = v.stream + ".${name}"
${pointsIn(name, `${name}Of`)}`;

/**
 * What queries share. The pieces that a query names are put before it, with what they need themselves. `readings`, `predictions`, `shadow`
 * and `status` are the points of the chosen stream and time, as functions, because the storage aggregates by itself only what is not shared
 * by two branches of a query. The choice of a device is made before the query runs, so that it too is left to the storage.
 */
const pieces = {
  readings: { imports: [], needs: [], text: pointsIn('readings', 'v.stream') },
  predictions: { imports: [], needs: [], text: pointsBeside('predictions') },
  status: { imports: [], needs: [], text: pointsBeside('status') },
  chosen: {
    imports: [],
    needs: [],
    text: `chosen = (tables=<-) => if v.device == ${fluxString(allDevices)} then tables else tables |> filter(fn: (r) => r.device == v.device)`,
  },
  // Of each window, an aggregate (sum, count, min or max) over all devices. The window that is not over yet is left out.
  perWindow: {
    imports: [],
    needs: [],
    text: `perWindow = (tables=<-, fn, of=sum, createEmpty=false) => tables
    |> aggregateWindow(every: v.windowPeriod, fn: fn, createEmpty: createEmpty, timeSrc: "_start")
    |> group()
    |> aggregateWindow(every: v.windowPeriod, fn: of, createEmpty: createEmpty)
    |> filter(fn: (r) => r._time < v.timeRangeStop)
    |> keep(columns: ["_time", "_value"])`,
  },
  // Sums and counts by window, as rows that may be put together with others before the mean is taken.
  sumAndCount: {
    imports: [],
    needs: ['perWindow'],
    text: `sumAndCount = (of) => union(
    tables: [
        of() |> perWindow(fn: sum) |> set(key: "_field", value: "sum"),
        of() |> perWindow(fn: count) |> toFloat() |> set(key: "_field", value: "n"),
    ],
)`,
  },
  windowMean: {
    imports: [],
    needs: [],
    text: `windowMean = (tables=<-) => tables
    |> group(columns: ["_time", "_field"])
    |> sum()
    |> group()
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> sort(columns: ["_time"])
    |> map(fn: (r) => ({_time: r._time, _value: r.sum / r.n}))`,
  },
  // The order of the rows as a column, for tables: InfluxDB's page sorts them itself.
  ranked: {
    imports: [],
    needs: [],
    text: `ranked = (tables=<-) => tables
    |> map(fn: (r) => ({r with ${rankColumn}: 1}))
    |> cumulativeSum(columns: ["${rankColumn}"])`,
  },
  // Every field that ever had a value.
  fieldNames: {
    imports: ['influxdata/influxdb/schema'],
    needs: [],
    text: `fieldNames = schema.measurementFieldKeys(bucket: v.bucket, measurement: v.stream, start: time(v: 0))
    |> filter(fn: (r) => r._value =~ /^v\\./)`,
  },
  // Reads the pairs of truth and label in the column "outcome"; a prediction without truth has a list of one, and is left out.
  outcomes: {
    imports: ['experimental/json'],
    needs: [],
    text: `outcomes = (tables=<-) => tables
    |> map(
        fn: (r) => {
            pair = json.parse(data: bytes(v: r.outcome))
            known = length(arr: pair) == 2

            return {r with known: known, truth: pair[0], label: if known then pair[1] else "", n: r._value}
        },
    )
    |> filter(fn: (r) => r.known)`,
  },
  // How often each pair of truth and label came.
  confusion: {
    imports: [],
    needs: ['predictions', 'chosen', 'outcomes'],
    text: `confusion = predictions()
    |> filter(fn: (r) => r._field == "outcome")
    |> chosen()
    |> duplicate(column: "_value", as: "outcome")
    |> group(columns: ["outcome"])
    |> count()
    |> group()
    |> outcomes()`,
  },
  shadow: { imports: [], needs: [], text: pointsBeside('shadow') },
  // One field of each reading that both champion and challenger labelled, in a column each.
  paired: {
    imports: [],
    needs: ['predictions', 'shadow', 'chosen'],
    text: `sideOf = (tables=<-, field, as) => tables
    |> filter(fn: (r) => r._field == field)
    |> chosen()
    |> set(key: "side", value: as)
    |> keep(columns: ["_time", "_value", "device", "side"])
paired = (field) => union(
    tables: [predictions() |> sideOf(field: field, as: "champion"), shadow() |> sideOf(field: field, as: "challenger")],
)
    |> group(columns: ["device"])
    |> pivot(rowKey: ["_time"], columnKey: ["side"], valueColumn: "_value")
    |> filter(fn: (r) => exists r.champion and exists r.challenger)`,
  },
  // How right the labels were by the probability that came with them, in ten bins, from rows with a column of outcomes and one of
  // probabilities. They are counted by hundredths first, which costs a third of looking at each row. https://arxiv.org/abs/1706.04599
  calibrationOf: {
    imports: ['math'],
    needs: ['outcomes'],
    text: `calibrationOf = (tables=<-, outcome, probability, as) => tables
    |> group(columns: [outcome])
    |> histogram(column: probability, bins: [${hundredths.join(', ')}])
    |> difference()
    |> group()
    |> filter(fn: (r) => r._value > 0.0)
    |> rename(fn: (column) => if column == outcome then "outcome" else column)
    |> outcomes()
    |> map(
        fn: (r) => ({
            bin: math.ceil(x: math.mMax(x: r.le, y: 0.01) * 10.0 - 0.001),
            n: r.n,
            sure: r.n * math.mMax(x: r.le - 0.005, y: 0.0),
            hits: if r.truth == r.label then r.n else 0.0,
        }),
    )
    |> group(columns: ["bin"])
    |> reduce(
        identity: {n: 0.0, hits: 0.0, sure: 0.0},
        fn: (r, accumulator) => ({n: accumulator.n + r.n, hits: accumulator.hits + r.hits, sure: accumulator.sure + r.sure}),
    )
    |> group()
    |> sort(columns: ["bin"])
    |> map(fn: (r) => ({probability: 100.0 * r.sure / r.n, _value: 100.0 * r.hits / r.n, _field: as}))
    |> group(columns: ["_field"])`,
  },
  // Where share and probability are the same.
  ideal: {
    imports: ['array'],
    needs: [],
    text: `ideal = array.from(rows: [${Array.from({ length: 41 }, (_, index) => (index * 2.5).toFixed(1))
      .map((share) => `{probability: ${share}, _value: ${share}, _field: "ideal"}`)
      .join(', ')}])
    |> group(columns: ["_field"])`,
  },
  // How often each pair of labels of champion and challenger came; each is a list of truth and label.
  duel: {
    imports: [],
    needs: ['paired', 'outcomes'],
    text: `duel = paired(field: "outcome")
    |> group(columns: ["champion", "challenger"])
    |> duplicate(column: "champion", as: "n")
    |> count(column: "n")
    |> group()`,
  },
} as const satisfies Record<string, { imports: readonly string[]; needs: readonly string[]; text: string }>;

type Piece = keyof typeof pieces;

/** Puts before a query the shared pieces that it names, and all imports. */
export function withPieces(body: string, imports: readonly string[] = []): string {
  const used = new Set<Piece>();
  const use = (piece: Piece): void => {
    for (const needed of pieces[piece].needs) use(needed);
    used.add(piece);
  };
  for (const piece of Object.keys(pieces) as Piece[]) {
    if (new RegExp(`\\b${piece}\\b`).test(body.replaceAll(/"(?:[^"\\]|\\.)*"/g, ''))) use(piece);
  }
  const all = new Set([...[...used].flatMap((piece): readonly string[] => pieces[piece].imports), ...imports]);
  const lines = [...all].sort().map((name) => `import "${name}"`);
  return [lines.join('\n'), ...[...used].map((piece) => pieces[piece].text), body.trim()].filter(Boolean).join('\n\n');
}
