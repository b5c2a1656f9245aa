import { expect, test } from 'vitest';
import { HttpProblem } from '../../core/http/problem.ts';
import { decodeReading } from '../../core/wire/decode-reading.ts';
import { readingSchema } from '../../core/wire/reading.ts';
import { type Input, inputs } from './inputs.ts';
import { recordsOf } from './records.ts';

const seed = Number(process.env.GAPLINE_FUZZ_SEED ?? 1);
/** All of them where everything is demanded; a quick look otherwise. */
const bodies = Number(process.env.GAPLINE_FUZZ_BODIES ?? (process.env.CI ? 100_000 : 10_000));
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
      if (!(error instanceof HttpProblem) || error.status < 400 || error.status > 499) {
        throw new Error(`input ${count} of seed ${seed}: ${input.body.subarray(0, 500)}`, { cause: error });
      }
      if (error.message.length > 30_000) throw new Error(`an answer of ${error.message.length} characters`);
      refused += 1;
    }
  }
  expect(taken).toBeGreaterThan(bodies / 5);
  expect(refused).toBeGreaterThan(bodies / 5);
}, 240_000);
