import { type Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beats } from '../../examples/heartbeat/simulator.ts';

/** How long requests took, in milliseconds from the time at which each was due. */
export interface Times {
  readonly requests: number;
  /** Answers other than 200. */
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Pace {
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly signal?: AbortSignal;
}

/** Sends requests at their times, whether those before were answered or not. @param send - gives the status */
export async function timesOf(send: () => Promise<number>, { rate, seconds, signal }: Pace): Promise<Times> {
  const startMs = performance.now();
  const took: number[] = [];
  const open: Promise<void>[] = [];
  let failed = 0;
  const one = async (dueMs: number): Promise<void> => {
    const status = await send().catch(() => 0);
    took.push(performance.now() - dueMs);
    if (status !== 200) failed += 1;
  };
  const all = Math.round(rate * seconds);
  for (let number = 0; number < all && !signal?.aborted; number += 1) {
    const dueMs = startMs + (number * 1_000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
    if (!signal?.aborted) open.push(one(dueMs));
  }
  await Promise.all(open);
  took.sort((a, b) => a - b);
  const quantile = (share: number): number => took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0;
  const rounded = (ms: number): number => Math.round(ms * 100) / 100;
  return { requests: took.length, failed, p50: rounded(quantile(0.5)), p99: rounded(quantile(0.99)) };
}

interface Target {
  readonly agent: Agent;
  readonly url: string;
  readonly token: string;
}

const bodies = beats(200, 5).map(({ values }) => JSON.stringify({ rows: [values] }));

/** Sends a prediction of one beat each time, and gives the status. */
export function predictionsTo({ agent, url, token }: Target): () => Promise<number> {
  let at = 0;
  return async () => (await sendBy(agent, `${url}/predict`, bodies[at++ % bodies.length], token)).status;
}

export function sendBy(agent: Agent, url: string, body: string | undefined, token: string | undefined) {
  return new Promise<{ status: number; text: string }>((done, failed) => {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const sent = httpRequest(url, { method: body === undefined ? 'GET' : 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, text }));
      response.on('error', failed);
    });
    sent.on('error', failed);
    sent.end(body);
  });
}
