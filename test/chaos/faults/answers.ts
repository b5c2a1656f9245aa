import type { Mood } from '../proxies/http-proxy.ts';
import { transactionalKeys } from '../proxies/kafka-proxy.ts';
import { type Fault, oneOf, seconds } from './fault.ts';

const difficultSeconds = 12;
/** Of the requests, how many get the bad answer: some come through, so that answers lost and answers had mix. */
const badShare = 0.7;

const influxdbAnswers = (name: string, moods: readonly Mood[]): Fault => ({
  name: `InfluxDB ${name}`,
  touches: ['connections of influxdb'],
  seconds: difficultSeconds,
  async strike({ proxies: { influxdb } }, random) {
    influxdb.mood = () => (random.next() < badShare ? oneOf(random, moods) : { way: 'pass' });
    await seconds(difficultSeconds);
    influxdb.calm();
  },
});

const refusal = (status: number, seen = false, retryAfterS?: number): Mood => ({
  way: 'pass',
  answer: { status, seen, ...(retryAfterS !== undefined && { retryAfterS }) },
});

const heldMs = 60_000;
const holdingSeconds = 10;

/** A minute is longer than any client waits: it gives the request up, and the broker's outcome comes, or happens, after that. */
const late = (what: 'answer' | 'request'): Fault => ({
  name: `Kafka's transactional ${what}s a minute late`,
  touches: ['transactions'],
  seconds: holdingSeconds + heldMs / 1_000,
  async strike({ proxies: { kafka } }, random) {
    kafka.hold = { keys: transactionalKeys, what, ms: heldMs, chosen: () => random.next() < 0.5 };
    await seconds(holdingSeconds);
    kafka.hold = undefined;
    await seconds(heldMs / 1_000);
  },
});

export const answerFaults: Fault[] = [
  influxdbAnswers('answers 429', [refusal(429, false, 1), refusal(429)]),
  influxdbAnswers('answers 503', [refusal(503, false, 2), refusal(503)]),
  influxdbAnswers('answers 500', [refusal(500), refusal(500, true)]),
  influxdbAnswers('gives half answers', [{ way: 'half' }]),
  late('answer'),
  late('request'),
];
