import { expect, it } from 'vitest';
import { liveScores } from './live-scores.ts';

const topics = { predictions: 'p', shadow: 's' };

interface Labelled {
  readonly time: number;
  readonly label: string;
  readonly version: number;
  readonly truth?: string;
  readonly device?: string;
}

const recordOf = ({ time, label, version, truth, device = 'd' }: Labelled) => ({
  value: Buffer.from(
    JSON.stringify({
      ...{ stream: 't', device, time: String(time), label, probability: 1, probabilities: { [label]: 1 }, filled: {} },
      ...{ gaps: 0, model: { name: 'm', version }, received: '1', latencyMs: 1, ...(truth !== undefined && { truth }) },
    }),
  ),
});

/** A log of two topics; it remembers since when it was asked. */
function logOf(held: Record<string, Labelled[]>) {
  const asked: unknown[] = [];
  return {
    asked,
    async *tail([topic = '']: readonly string[], options: unknown) {
      asked.push(options);
      yield [{ value: Buffer.from('no prediction') }, ...(held[topic] ?? []).map(recordOf)] as never;
    },
  };
}

const truthOf = (time: number) => (time % 2 === 0 ? 'even' : 'odd');
const times = Array.from({ length: 200 }, (_, time) => time);
const input = { topics, sinceMs: 1_000, champion: 1, challenger: 2 };

it('compares two versions on the readings that both labelled and whose truth is known', async () => {
  const predictions = times.map((time) => ({ time, label: truthOf(time), version: 1, truth: truthOf(time) }));
  const log = logOf({
    p: [
      // Wrong in a quarter; what others labelled, or nobody knows, does not count.
      ...predictions.map((each) => (each.time < 50 ? { ...each, label: 'odd' } : each)),
      { time: 0, label: 'odd', version: 3, truth: 'even', device: 'other' },
      { time: 900, label: 'odd', version: 1 },
    ],
    s: [
      // Labelled twice: the later one counts. Declined in a tenth.
      { time: 3, label: 'even', version: 2, truth: 'odd' },
      ...times.map((time) => ({
        time,
        label: time < 20 ? 'unknown' : truthOf(time),
        version: 2,
        truth: truthOf(time),
      })),
      { time: 901, label: 'odd', version: 2, truth: 'odd' },
    ],
  });
  const { readings, champion, challenger } = await liveScores({ ...input, log });
  expect(readings).toBe(200);
  expect(champion.accuracy).toBe(175 / 200);
  expect(challenger.accuracy).toBe(180 / 200);
  // Each class: 90 right, 10 declined, none wrongly given.
  expect(challenger.f1).toBeCloseTo((2 * 90) / (100 + 90), 12);
  expect(log.asked).toEqual([
    { since: 1_000, follow: false },
    { since: 1_000, follow: false },
  ]);
});

it('refuses to judge by fewer than a hundred, and says what to do', async () => {
  const few = times.slice(0, 99).map((time) => ({ time, label: 'odd', version: 1, truth: 'odd' }));
  const log = logOf({ p: few, s: few.map((each) => ({ ...each, version: 2 })) });
  await expect(liveScores({ ...input, log })).rejects.toMatchObject({
    code: 'model-refused',
    message: expect.stringMatching(/both labelled 99 readings .* since 1970.* `gapline models challenge 2`/),
  });
});
