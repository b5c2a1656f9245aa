import type { Kafka } from 'kafkajs';
import { buildChain } from '../../core/steps/chain.ts';
import { InputRows } from '../../core/steps/input.ts';
import type { StepSpec } from '../../core/steps/registry.ts';
import { formatTime, parseTime } from '../../core/steps/time.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Reading } from '../../core/wire/reading.ts';

/** What sums of the same numbers in another order may differ by, as a share. */
const tolerance = 1e-9;
const quietMs = 3_000;

/** Every record of a topic, its value read as JSON. */
async function readAll<T>(client: Kafka, topic: string): Promise<{ key: string; value: T }[]> {
  const consumer = client.consumer({ groupId: `values of ${topic}`, readUncommitted: false });
  const records: { key: string; value: T }[] = [];
  let lastMs = performance.now();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message: { key, value } }) => {
      records.push({ key: `${key}`, value: JSON.parse(`${value}`) as T });
      lastMs = performance.now();
    },
  });
  while (records.length === 0 || performance.now() - lastMs < quietMs)
    await new Promise((done) => setTimeout(done, 100));
  await consumer.disconnect();
  return records;
}

/** The mean of every window that closed, by device and where it begins in milliseconds: what the steps of the model give. */
function meansOf(readings: readonly { value: Reading }[], steps: readonly StepSpec[]): Map<string, number> {
  const session = buildChain(steps, ['x']).open();
  const input = new InputRows(1);
  const means = new Map<string, number>();
  input.begin();
  for (const { value } of readings)
    input.addSample({ device: value.device, time: parseTime(value.time) }, [value.values.x ?? Number.NaN]);
  const { rows } = session.apply(input.rows());
  for (let row = 0; row < rows.count; row++) {
    const from = formatTime(rows.windows?.fromSeconds[row] ?? 0, rows.windows?.fromNanoseconds[row] ?? 0);
    means.set(`${rows.names[rows.devices[row] ?? 0]} ${msOf(from)}`, rows.columns[0]?.[row] ?? Number.NaN);
  }
  return means;
}

const msOf = (ns: string): string => ns.slice(0, -6);

/**
 * Holds the windows of both to those that the readings have: Gapline's by where they begin, Quix Streams' by their means as well. Each
 * closes a device's last windows in its own way: those that lack in one of them have to be among the last.
 * @throws where a window is missing, is there twice or has another mean
 */
export async function demandSameValues(
  client: Kafka,
  topics: { readonly readings: string; readonly predictions?: string; readonly means?: string },
  steps: readonly StepSpec[],
): Promise<number> {
  const means = meansOf(await readAll<Reading>(client, topics.readings), steps);
  const found = new Map<string, number | undefined>();
  const note = (window: string, mean?: number) => {
    if (found.has(window)) throw new Error(`there are two of window ${window}`);
    found.set(window, mean);
  };
  if (topics.predictions !== undefined)
    for (const { value } of await readAll<Prediction>(client, topics.predictions))
      note(`${value.device} ${msOf(value.from ?? '')}`);
  if (topics.means !== undefined)
    for (const { key, value } of await readAll<{ start: number; value: number }>(client, topics.means))
      note(`${key} ${value.start}`, value.value);
  for (const [window, mean] of means) {
    if (!found.has(window)) throw new Error(`window ${window} was not given`);
    const other = found.get(window);
    if (topics.means !== undefined && !(other !== undefined && Math.abs(other - mean) <= tolerance * Math.abs(mean)))
      throw new Error(`window ${window}: ${other} and ${mean}`);
  }
  return means.size;
}
