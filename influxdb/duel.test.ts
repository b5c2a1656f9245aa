import { InfluxDB } from '@influxdata/influxdb-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { predictionToPoint } from '../core/wire/point.ts';
import { type Prediction, unknownLabel } from '../core/wire/prediction.ts';
import { type Bucket, describeWithInfluxdb, makeBucket } from '../test/servers/with-influxdb.ts';
import { cells } from './cells.ts';
import { allDevices, fluxString } from './flux.ts';

// Needs GAPLINE_TEST_INFLUXDB.

const windowSeconds = 10;
const seconds = 300;
/** The challenger begins later, and once it is left out. */
const challengedFrom = 100;
const leftOut = 200;
const startMs = 1_760_000_000_000;
const devices = ['d1', 'hall way'];
const classes = ['ham', 'spam', 'say "cheese", [x]'];

/** What both said of one reading. */
interface Pair {
  readonly champion: Prediction;
  readonly challenger?: Prediction;
}

function makePairs(stream: string): Pair[] {
  let state = 4_321;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return Array.from({ length: seconds * devices.length }, (_, index) => {
    const second = Math.floor(index / devices.length);
    const time = `${BigInt(startMs + second * 1_000 + (index % devices.length) * 7 + 1) * 1_000_000n + 5n}`;
    const truth = random() < 0.8 ? classes[Math.floor(random() * 3)] : undefined;
    const guess = (right: number) =>
      truth !== undefined && random() < right ? truth : classes[Math.floor(random() * 2)]!;
    const say = (version: number, right: number, latencyMs: number): Prediction => ({
      stream,
      device: devices[index % devices.length]!,
      time,
      label: second % 25 === 7 ? unknownLabel : guess(right),
      probability: random(),
      probabilities: {},
      filled: {},
      gaps: 0,
      model: { name: 'm', version },
      // The champion is one model, the challenger an ensemble.
      ...(version === 2 && { spread: random() / 2 }),
      truth,
      received: time,
      latencyMs,
    });
    const champion = say(1, 0.5, 10 + random());
    const challenged = second >= challengedFrom && second !== leftOut;
    return challenged ? { champion, challenger: say(2, 0.9, 20 + random()) } : { champion };
  });
}

/** A prediction as a line; names and devices here need no more than a space escaped. */
function lineOf(prediction: Prediction, measurement: string): string {
  const { device, time, fields } = predictionToPoint(prediction, measurement);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${measurement},device=${device.replaceAll(' ', '\\ ')} ${pairs.join()} ${time}`;
}

type Row = Record<string, unknown>;

describeWithInfluxdb('the cells of shadow and drift on a real InfluxDB', (access) => {
  let bucket: Bucket;
  let stream: string;
  let made: Pair[];
  const client = new InfluxDB({ url: access.url || 'http://127.0.0.1:1', token: access.token, timeout: 60_000 });

  const status = (second: number, fields: string) =>
    `${stream}.status,stage=classifier,instance=one ${fields} ${BigInt(startMs + second * 1_000) * 1_000_000n}`;

  beforeAll(async () => {
    bucket = await makeBucket(access);
    stream = bucket.name;
    made = makePairs(stream);
    const lines = made.flatMap(({ champion, challenger }) => [
      lineOf(champion, `${stream}.predictions`),
      ...(challenger ? [lineOf(challenger, `${stream}.shadow`)] : []),
    ]);
    const drifted = (psi: number) =>
      JSON.stringify(
        JSON.stringify([
          { name: 'a "quoted", name', psi, outside: 0.5 },
          { name: 'b', psi: 0.01, outside: 0 },
        ]),
      );
    await bucket.write(
      [
        ...lines,
        status(5, 'lag=1'),
        status(15, `driftPsi=0.1,driftOutside=0,driftThreshold=0.2,driftCount=0,driftFields=${drifted(0.1)}`),
        status(25, `driftPsi=1,driftOutside=0.25,driftThreshold=0.2,driftCount=1,driftFields=${drifted(1)}`),
      ].join('\n'),
    );
  }, 120_000);
  afterAll(() => bucket.remove());

  async function cell(name: string, { device = allDevices, of = stream } = {}): Promise<Row[]> {
    const { query } = cells.find((one) => one.name === name)!;
    const v = [
      `bucket: ${fluxString(bucket.name)}`,
      `stream: ${fluxString(of)}`,
      `device: ${fluxString(device)}`,
      `field: ""`,
      `timeRangeStart: ${new Date(startMs).toISOString()}`,
      `timeRangeStop: ${new Date(startMs + seconds * 1_000).toISOString()}`,
      `windowPeriod: ${windowSeconds}s`,
    ];
    const imports = query.match(/^import .*$/gm) ?? [];
    const flux = [...imports, `option v = {${v.join(', ')}}`, query.replaceAll(/^import .*$/gm, '')].join('\n');
    return client.getQueryApi(access.org).collectRows<Row>(flux);
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const pairsOf = (device?: string) =>
    made.flatMap(({ champion, challenger }) =>
      challenger && (device === undefined || champion.device === device) ? [{ champion, challenger }] : [],
    );

  it.each([undefined, 'hall way'])(
    'compares champion and challenger over the same readings (device %s)',
    async (device) => {
      const pairs = pairsOf(device);
      const agreed = pairs.filter(({ champion, challenger }) => champion.label === challenger.label);
      expect((await cell('Agreement', { device }))[0]!._value).toBeCloseTo((100 * agreed.length) / pairs.length, 9);

      const spreads = await cell('Spread of ensembles', { device });
      expect(new Set(spreads.map(({ _field }) => _field))).toEqual(new Set(['challenger']));
      expect(spreads.length).toBeGreaterThan(3);
      const known = pairs.map(({ challenger }) => 100 * (challenger.spread ?? Number.NaN));
      for (const { _value } of spreads) {
        expect(_value).toBeGreaterThan(Math.min(...known));
        expect(_value).toBeLessThan(Math.max(...known));
      }

      const rows = await cell('Champion and challenger', { device });
      expect(rows.map(({ model }) => model)).toEqual(['challenger', 'champion']);
      for (const row of rows) {
        const said = pairs.map((pair) => pair[row.model as 'champion' | 'challenger']).filter(({ truth }) => truth);
        expect(row.readings).toBe(said.length);
        const right = said.filter(({ truth, label }) => truth === label);
        expect(row.accuracy).toBeCloseTo((100 * right.length) / said.length, 9);
        const f1 = classes.map((one) => {
          const hits = right.filter(({ label }) => label === one).length;
          const named = said.filter(({ label }) => label === one).length;
          return (2 * hits) / (named + said.filter(({ truth }) => truth === one).length);
        });
        expect(row.f1).toBeCloseTo(sum(f1) / f1.length, 12);
      }
      expect(rows[0]!.accuracy).toBeGreaterThan(rows[1]!.accuracy as number);
    },
  );

  it('shows how right labels of each probability are, of both', async () => {
    const rows = await cell('Calibration of champion and challenger');
    for (const side of ['champion', 'challenger'] as const) {
      const said = pairsOf()
        .map((pair) => pair[side])
        .filter(({ truth }) => truth !== undefined);
      const shown = rows.filter(({ _field }) => _field === side);
      expect(shown).toHaveLength(10);
      for (const [bin, row] of shown.entries()) {
        const inBin = said.filter(({ probability }) => Math.ceil(probability * 10) === bin + 1);
        const mean = sum(inBin.map(({ probability }) => probability)) / inBin.length;
        expect(Math.abs((row.probability as number) / 100 - mean)).toBeLessThan(0.005);
        const right = inBin.filter(({ truth, label }) => truth === label);
        expect(row._value).toBeCloseTo((100 * right.length) / inBin.length, 9);
      }
    }
  });

  it('shows accuracy and latency of both over time, from when there are both', async () => {
    const windows = (seconds - challengedFrom) / windowSeconds;
    const accuracy = await cell('Accuracy of champion and challenger');
    const latency = await cell('Latency of champion and challenger');
    const first = pairsOf().slice(0, windowSeconds * devices.length);
    for (const side of ['champion', 'challenger'] as const) {
      const ofSide = accuracy.filter(({ _field }) => _field === side);
      expect(ofSide).toHaveLength(windows);
      const scored = first.map((pair) => pair[side]).filter(({ truth }) => truth !== undefined);
      const right = scored.filter(({ truth, label }) => truth === label);
      expect(ofSide[0]!._value).toBeCloseTo((100 * right.length) / scored.length, 9);

      const base = side === 'champion' ? 10 : 20;
      for (const quantile of ['p50', 'p99']) {
        const values = latency.filter(({ _field }) => _field === `${side} ${quantile}`);
        expect(values).toHaveLength(windows);
        for (const { _value } of values) expect(Math.floor(_value as number)).toBe(base);
      }
    }
  });

  it('shows the index against its threshold, what is outside, and which fields drifted', async () => {
    const drift = await cell('Drift');
    const shown = (as: string) => drift.filter(({ _field }) => _field === as).map(({ _value }) => _value);
    expect(shown('largest index')).toEqual([0.1, 1]);
    expect(shown('threshold')).toEqual([0.2, 0.2]);
    expect((await cell('Outside the range of training')).map(({ _value }) => _value)).toEqual([0, 25]);
    const fields = await cell('Drift by field');
    expect(fields.map(({ field, psi, outside }) => ({ field, psi, outside }))).toEqual([
      { field: 'a "quoted", name', psi: 1, outside: 50 },
      { field: 'b', psi: 0.01, outside: 0 },
    ]);
  });

  it('is empty for a stream without challenger and without drift', async () => {
    const other = `${stream}-other`;
    await bucket.write(lineOf(made[0]!.champion, `${other}.predictions`));
    for (const name of [
      ...['Agreement', 'Champion and challenger', 'Accuracy of champion and challenger'],
      ...['Latency of champion and challenger', 'Drift', 'Outside the range of training', 'Drift by field'],
    ]) {
      expect(await cell(name, { of: other }), name).toEqual([]);
    }
  });
});
