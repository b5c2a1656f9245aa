import { Agent, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { recordsOfLines } from '../../collector/line-protocol-door.ts';
import { recordsOfBody } from '../../collector/readings-door.ts';
import { Refusal } from '../../collector/refusal.ts';
import { startBench } from '../../collector/testing.ts';
import { decodeReading } from '../../core/wire/decode-reading.ts';
import { readingSchema } from '../../core/wire/reading.ts';
import { topicsOf } from '../../core/wire/stream.ts';
import { fuzzFields, type Input, inputs } from './inputs.ts';

const seed = Number(process.env.GAPLINE_FUZZ_SEED ?? 1);
/** All of them where everything is demanded; a quick look otherwise. */
const bodies = Number(process.env.GAPLINE_FUZZ_BODIES ?? (process.env.CI ? 100_000 : 10_000));
const requests = Math.ceil(bodies / 50);
const stream = { name: 'pumps', fields: fuzzFields, topics: topicsOf('pumps') };
const rules = {
  fields: fuzzFields,
  known: new Set(fuzzFields),
  precision: 'ns',
  latest: '1800000000000000000',
} as const;
const limits = { rules, stream: 'pumps', received: '1800000000000000000', maxReadings: 10_000 };

/** What the doors make of a body, without HTTP around it. */
function recordsOf({ path, headers, body }: Input) {
  const text = body.toString('utf8');
  if (path.startsWith('/api'))
    return recordsOfLines({ ...limits, text, deviceTag: 'device', arrival: () => '5' }).records;
  return recordsOfBody({ ...limits, text, form: headers['content-type']?.includes('ndjson') ? 'ndjson' : 'json' });
}

/** The same without compression. */
function plain(input: Input): Input {
  const encoding = input.headers['content-encoding']?.toLowerCase() ?? 'identity';
  return encoding.includes('gzip') ? { ...input, body: gunzipSync(input.body) } : input;
}

test(`${bodies} hostile bodies: each is refused with a reason, or gives readings that the log and the archive can carry`, () => {
  const source = inputs(seed);
  let taken = 0;
  let refused = 0;
  for (let count = 0; count < bodies; count += 1) {
    const input = source.next().value as Input;
    try {
      const { records } = recordsOf(input);
      taken += records.length;
      const identities = new Set<string>();
      for (const { key, value } of records) {
        const reading = decodeReading(value);
        if (typeof reading === 'string') throw new Error(`${reading}: ${input.body}`);
        identities.add(`${key} ${reading.time}`);
      }
      if (identities.size < records.length) throw new Error(`an identity twice: ${input.body}`);
      if (count % 50 === 0)
        for (const { value } of records) readingSchema.parse(JSON.parse(Buffer.from(value).toString()));
    } catch (error) {
      if (!(error instanceof Refusal) || error.status < 400 || error.status > 499) {
        throw new Error(`input ${count} of seed ${seed}: ${input.body.subarray(0, 500)}`, { cause: error });
      }
      if (error.message.length > 30_000) throw new Error(`an answer of ${error.message.length} characters`);
      refused += 1;
    }
  }
  expect(taken).toBeGreaterThan(bodies / 5);
  expect(refused).toBeGreaterThan(bodies / 5);
}, 240_000);

test(`${requests} hostile requests over HTTP: no 5xx, no broken connection, and what was acknowledged is in the log`, async () => {
  const bench = await startBench({ stream });
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const source = inputs(seed + 1);
  let accepted = 0;
  const statuses: Record<number, number> = {};
  const worker = async (): Promise<void> => {
    for (let count = 0; count < requests / 4; count += 1) {
      const input = source.next().value as Input;
      const answer = await send(bench.collector.url, input, agent);
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status === 202) accepted += (JSON.parse(answer.text) as { accepted: number }).accepted;
      if (answer.status === 204) accepted += recordsOf(plain(input)).records.length;
      if (answer.status >= 500) throw new Error(`${answer.status} ${answer.text} to ${input.body.subarray(0, 500)}`);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  expect((await fetch(`${bench.collector.url}/health`)).status).toBe(200);
  expect((await bench.readings()).length).toBe(accepted);
  expect(Object.keys(statuses).sort()).toEqual(expect.arrayContaining(['202', '204', '400']));
  agent.destroy();
  await bench.stop();
}, 120_000);

function send(url: string, { path, headers, body }: Input, agent: Agent): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method: 'POST', headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
